//! Tables as text: comma- or tab-separated values (RFC 4180, lines end with a line feed).

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A line of a table. Cells with the delimiter, quotes or line feeds are quoted.
#[must_use]
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>, delimiter: char) -> String {
    let mut line = String::new();
    for (place, cell) in cells.into_iter().enumerate() {
        if place > 0 {
            line.push(delimiter);
        }
        if cell.contains([delimiter, '"', '\n', '\r']) {
            // Writing to a string cannot fail.
            let _ = write!(line, "\"{}\"", cell.replace('"', "\"\""));
        } else {
            line.push_str(cell);
        }
    }
    line.push('\n');
    line
}

/// What stands most often in the header of a table: a comma, a tab, or what spreadsheets write where the comma is the
/// decimal point.
#[must_use]
pub fn delimiter(text: &str) -> char {
    let header = text.lines().next().unwrap_or_default();
    // Of equals the last: a table of one column has none.
    [';', '\t', ','].into_iter().max_by_key(|delimiter| header.matches(*delimiter).count()).unwrap_or(',')
}

/// A file that a table names: beside the table, unless its path is a whole one.
#[must_use]
pub fn named_file(table: &Path, name: &str) -> PathBuf {
    table.parent().unwrap_or(Path::new("")).join(name)
}

/// The records of a table with the numbers of the lines that they begin on; the first is its header. A byte order mark, as
/// spreadsheets write it, is no part of it.
#[must_use]
pub fn records(text: &str, delimiter: char) -> Vec<(usize, Vec<String>)> {
    let mut input = text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes();
    let mut reader: Reader = ReaderBuilder::new().delimiter(delimiter as u8).build();
    // No record is longer, or has more cells, than the text.
    let (mut bytes, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 2]);
    let (mut written, mut count, mut line) = (0, 0, 1);
    let mut records = Vec::new();
    loop {
        let (result, read, wrote, ended) = reader.read_record(input, &mut bytes[written..], &mut ends[count..]);
        (input, written, count) = (&input[read..], written + wrote, count + ended);
        match result {
            ReadRecordResult::Record => {
                let mut start = 0;
                let cell = |end: &usize| {
                    let cell = String::from_utf8_lossy(&bytes[start..*end]).into_owned();
                    start = *end;
                    cell
                };
                records.push((line, ends[..count].iter().map(cell).collect()));
                (written, count, line) = (0, 0, reader.line() as usize);
            }
            // Asked once more without input, it gives the last record.
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull | ReadRecordResult::End => return records,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for delimiter in [',', '\t'] {
            let rows = [vec!["a", "b c", ""], vec!["x,y", "say \"no\"", "two\nlines"], vec!["tab\there", "é", "3"]];
            let text: String = rows.iter().map(|row| line(row.iter().copied(), delimiter)).collect();
            let read = records(&text, delimiter);
            assert_eq!(read.iter().map(|record| record.0).collect::<Vec<_>>(), [1, 2, 4]);
            assert_eq!(read.into_iter().map(|record| record.1).collect::<Vec<_>>(), rows);
        }
    }

    #[test]
    fn files_of_spreadsheets_are_read() {
        let read = records("\u{feff}a;b\r\n1;2\r\n\r\n3;\"4\"", ';');
        let cells: Vec<Vec<String>> = read.into_iter().map(|record| record.1).collect();
        assert_eq!(cells, [["a", "b"], ["1", "2"], ["3", "4"]]);
        assert!(records("", ',').is_empty());
    }
}
