//! Tables that name scans, one a line, such as a spreadsheet of the cases of a study or the scans.tsv of a BIDS data set.

use super::table::{delimiter, named_file, records};
use super::{Fault, OpenError, io_error};
use std::path::{Path, PathBuf};

/// What the column of the files may be called, in any case.
const COLUMNS: [&str; 6] = ["path", "file", "filename", "scan", "image", "scan_path"];

/// Whether a file of this name is looked at as a table.
pub(super) fn is_table_name(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv") || end.eq_ignore_ascii_case("tsv"))
}

/// The whole paths of the files and folders that a table names, in its order, without those that are not there, and how many
/// these are. Names that are no whole paths are of files beside the table. A table of one column needs no header.
pub(super) fn scans(table: &Path) -> Result<(Vec<PathBuf>, usize), OpenError> {
    let bytes = std::fs::read(table).map_err(|e| io_error(table, e))?;
    let text =
        String::from_utf8(bytes).map_err(|_| Fault::NotAScan("the table is not UTF-8 text".to_owned()).at(table))?;
    let mut rows: Vec<Vec<String>> = records(&text, delimiter(&text)).into_iter().map(|(_, cells)| cells).collect();
    let beside = |name: &String| named_file(table, name.trim());
    let called = |name: &String| COLUMNS.iter().any(|column| name.trim().eq_ignore_ascii_case(column));
    let column = match rows.first() {
        Some(header) => match header.iter().position(called) {
            Some(column) => {
                rows.remove(0);
                column
            }
            None if header.len() == 1 => 0,
            None => {
                let reason = format!("the table has no column of scans; call one of its columns {}", COLUMNS[0]);
                return Err(Fault::NotAScan(reason).at(table));
            }
        },
        None => return Err(Fault::NotAScan("the table is empty".to_owned()).at(table)),
    };
    let named = rows.iter().filter_map(|row| row.get(column)).filter(|name| !name.trim().is_empty()).map(beside);
    let found: Vec<Option<PathBuf>> = named.map(|path| path.canonicalize().ok()).collect();
    let missing = found.iter().filter(|path| path.is_none()).count();
    Ok((found.into_iter().flatten().collect(), missing))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::io::{ReadOptions, browse, nifti};
    use crate::job::Progress;
    use crate::space::Grid;
    use crate::volume::{Unit, Volume};
    use glam::DVec3;

    #[test]
    fn the_scans_of_a_table_are_the_list_in_its_order_though_their_names_are_alike() {
        let folder = tempfile::tempdir().unwrap();
        let progress = Progress::default();
        let names = ["sub-02/t1.nii", "sub-01/t1.nii"];
        for (name, size) in names.iter().zip([[5, 6, 7], [6, 7, 8]]) {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let grid = Grid::centred(size, 1.0, DVec3::ZERO);
            let volume = Volume::from_f32(grid, vec![1.0; grid.count()], Unit::Arbitrary);
            nifti::write(&path, &volume).unwrap();
        }
        std::fs::write(folder.path().join("other.nii"), "not asked for").unwrap();
        let table = folder.path().join("list.csv");
        std::fs::write(&table, format!("scan,age\n{},50\ngone.nii,60\n{},70\n", names[0], names[1])).unwrap();
        let catalogue = browse(&[table], &progress).unwrap();
        let listed: Vec<_> = catalogue.series().iter().map(|series| (series.id.as_str(), series.size)).collect();
        assert_eq!(listed, [(names[0], [5, 6, 7]), (names[1], [6, 7, 8])]);
        let scan = catalogue.read(0, &ReadOptions::default(), &progress).unwrap();
        assert_eq!(scan.volume.grid.size, [5, 6, 7]);
        assert_eq!(scan.checks.last().unwrap().message, "1 of the files that are named here is not there.");
    }

    #[test]
    fn a_table_names_scans_beside_it_or_anywhere_and_what_is_not_there_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["b.nii", "a.nii"] {
            std::fs::write(at(name), "x").unwrap();
        }
        let table = |text: String| {
            std::fs::write(at("list.csv"), text).unwrap();
            scans(&at("list.csv"))
        };
        let whole = at("a.nii").display().to_string();
        let both = (vec![at("b.nii"), at("a.nii")], 1);
        assert_eq!(table(format!("case;Path\n1; b.nii \n2;{whole}\n3;gone.nii\n4;\n")).unwrap(), both);
        assert_eq!(table("b.nii\na.nii\ngone.nii\n".to_owned()).unwrap(), both, "one column needs no header");
        assert_eq!(table("filename\nb.nii\na.nii\ngone.nii\n".to_owned()).unwrap(), both, "as scans.tsv of BIDS");
        let error = table("participant_id,age\nsub-01,30\n".to_owned()).unwrap_err().to_string();
        assert!(error.contains("call one of its columns path") && error.contains("list.csv"), "{error}");
        // Bits that are no text.
        std::fs::write(at("bad.tsv"), [0x66, 0xff, 0xfe]).unwrap();
        assert!(scans(&at("bad.tsv")).unwrap_err().to_string().contains("UTF-8"));
        assert!(table(String::new()).unwrap_err().to_string().contains("the table is empty"));
    }
}
