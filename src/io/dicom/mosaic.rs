//! Siemens mosaics: all slices of a volume tiled in one picture, row by row.
//!
//! How many there are and to which side they are stacked stands only in Siemens' private CSA header (0029,1010), whose
//! layout is described in nibabel's documentation ("SIEMENS format DICOM with CSA header"). The position in the file is
//! that of the first pixel of a picture as large as the mosaic, centred on the first slice.

use super::dataset::DataSet;
use super::geometry::ImagePlane;
use super::remembered::CSA_IMAGE_HEADER;
use ::dicom::dictionary_std::tags;
use glam::DVec3;

/// How a mosaic is tiled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mosaic {
    pub slices: usize,
    /// Tiles along a row, and down a column.
    pub across: usize,
    /// Direction in which the slices are stacked.
    normal_lps: DVec3,
}

impl Mosaic {
    /// The tiling of an image that calls itself a mosaic; none where the private header does not tell it.
    pub fn of(set: &DataSet<'_>) -> Option<Self> {
        let header = set.bytes(CSA_IMAGE_HEADER)?;
        let slices = *values(header, "NumberOfImagesInMosaic")?.first()? as usize;
        let normal: [f64; 3] = values(header, "SliceNormalVector")?.get(..3)?.try_into().ok()?;
        let across = (1..=64).find(|n| n * n >= slices)?;
        (slices > 0).then_some(Self { slices, across, normal_lps: DVec3::from_array(normal) })
    }

    /// Where a slice lies, from the plane of the mosaic and the size of a tile.
    pub fn plane(&self, set: &DataSet<'_>, whole: ImagePlane, tile: [usize; 2], slice: usize) -> Option<ImagePlane> {
        let step_mm = set.number(tags::SPACING_BETWEEN_SLICES).or(set.number(tags::SLICE_THICKNESS))?;
        let [along, down] = whole.spacing_mm;
        let inset = |pixels: usize| ((self.across - 1) * pixels) as f64 / 2.0;
        let corner = whole.row_lps * inset(tile[0]) * along + whole.column_lps * inset(tile[1]) * down;
        let side = self.normal_lps.dot(whole.normal_lps()).signum();
        let position_lps = whole.position_lps + corner + whole.normal_lps() * side * step_mm * slice as f64;
        Some(ImagePlane { position_lps, ..whole })
    }
}

/// The numbers of an entry of a CSA header of the second kind.
///
/// Behind `SV10` and four bytes: how many entries, four bytes; then for each its name (64 bytes), 12 bytes, how many
/// items (4), 4 bytes; then for each item its length (4 of 16 bytes) and a text, filled up to a multiple of 4.
fn values(header: &[u8], wanted: &str) -> Option<Vec<f64>> {
    let number = |at: usize| Some(u32::from_le_bytes(*header.get(at..)?.first_chunk()?) as usize);
    if !header.starts_with(b"SV10") {
        return None;
    }
    let mut at = 16;
    for _ in 0..number(8)?.min(1000) {
        let name = header.get(at..at + 64)?;
        let name = name.split(|&b| b == 0).next()?;
        let items = number(at + 76)?;
        at += 84;
        let mut found = Vec::new();
        for _ in 0..items.min(1000) {
            let length = number(at + 4)?;
            let text = header.get(at + 16..(at + 16).checked_add(length)?)?;
            found.extend(str::from_utf8(text).ok().and_then(|t| t.trim_matches(['\0', ' ']).parse::<f64>().ok()));
            at += 16 + length.next_multiple_of(4);
        }
        if name == wanted.as_bytes() {
            return Some(found);
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A CSA header with one entry of some texts.
    fn header(name: &str, texts: &[&str]) -> Vec<u8> {
        let mut bytes = b"SV10\x04\x03\x02\x01\x01\0\0\0\x4D\0\0\0".to_vec();
        let mut entry = name.as_bytes().to_vec();
        entry.resize(76, 0);
        entry.extend((texts.len() as u32).to_le_bytes());
        entry.extend([0; 4]);
        for text in texts {
            entry.extend([0; 4]);
            entry.extend((text.len() as u32).to_le_bytes());
            entry.extend([0; 8]);
            entry.extend(text.as_bytes());
            entry.resize(entry.len().next_multiple_of(4), 0);
        }
        bytes.extend(entry);
        bytes
    }

    #[test]
    fn numbers_are_found_by_name_and_damage_is_no_panic() {
        let bytes = header("SliceNormalVector", &["0.0 ", "-0.25", "1"]);
        assert_eq!(values(&bytes, "SliceNormalVector").unwrap(), [0.0, -0.25, 1.0]);
        assert_eq!(values(&bytes, "NumberOfImagesInMosaic"), None);
        // The last three bytes only fill up.
        (0..bytes.len() - 3).for_each(|end| assert_eq!(values(&bytes[..end], "SliceNormalVector"), None));
    }
}
