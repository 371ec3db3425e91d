//! DICOM slices written byte by byte in any transfer syntax, so that reading does not depend on a library's writing.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write as _;

/// What stands in Pixel Data.
pub(super) enum Pixels {
    Native(Vec<u16>),
    Fragment(Vec<u8>),
}

/// 8 × 8 pixels, three times for those with three frames.
pub(super) fn native() -> Pixels {
    Pixels::Native((0..192).collect())
}

/// An axial slice in the making (PS3.5 chapter 7, PS3.10 chapter 7).
pub(super) struct Dicom {
    syntax: &'static str,
    implicit: bool,
    big: bool,
    bits: u16,
    frames: u16,
    /// Columns and rows.
    size: [u16; 2],
    z_mm: f64,
    body: Vec<u8>,
}

impl Dicom {
    pub fn with(syntax: &'static str) -> Self {
        Self { syntax, implicit: false, big: false, bits: 16, frames: 1, size: [8, 8], z_mm: 10.0, body: Vec::new() }
    }

    pub fn explicit() -> Self {
        Self::with("1.2.840.10008.1.2.1")
    }

    pub fn implicit() -> Self {
        Self { implicit: true, ..Self::with("1.2.840.10008.1.2") }
    }

    pub fn big() -> Self {
        Self { big: true, ..Self::with("1.2.840.10008.1.2.2") }
    }

    pub fn bits(self, bits: u16) -> Self {
        Self { bits, ..self }
    }

    pub fn frames(self, frames: u16) -> Self {
        Self { frames, ..self }
    }

    /// A slice of another size at another height.
    pub fn placed(self, size: [u16; 2], z_mm: f64) -> Self {
        Self { size, z_mm, ..self }
    }

    fn two(&self, value: u16) -> [u8; 2] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn four(&self, value: u32) -> [u8; 4] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn header(&self, tag: [u16; 2], vr: &str, length: u32) -> Vec<u8> {
        let mut bytes = tag.map(|part| self.two(part)).concat();
        if self.implicit {
            bytes.extend(self.four(length));
        } else if ["OB", "OW", "SQ", "UN"].contains(&vr) {
            bytes.extend(vr.as_bytes());
            bytes.extend([0, 0]);
            bytes.extend(self.four(length));
        } else {
            bytes.extend(vr.as_bytes());
            bytes.extend(self.two(length as u16));
        }
        bytes
    }

    fn put(&mut self, tag: [u16; 2], vr: &str, value: &[u8]) {
        let header = self.header(tag, vr, value.len() as u32);
        self.body.extend(header);
        self.body.extend(value);
    }

    fn text(&mut self, tag: [u16; 2], vr: &str, value: &str) {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.put(tag, vr, &value);
    }

    /// Sequences one in another (Referenced Image Sequence, so that nothing that matters is inside).
    pub fn nested(mut self, depth: usize, defined: bool) -> Self {
        const SEQUENCE: [u16; 2] = [0x0008, 0x1140];
        let mut inside = Vec::new();
        for _ in 0..depth {
            let (item, sequence) =
                if defined { (inside.len() as u32, inside.len() as u32 + 8) } else { (u32::MAX, u32::MAX) };
            let mut outside = self.header(SEQUENCE, "SQ", sequence);
            outside.extend([0xfe, 0xff, 0x00, 0xe0]);
            outside.extend(self.four(item));
            outside.append(&mut inside);
            if !defined {
                outside.extend([0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
            }
            inside = outside;
        }
        self.body.extend(inside);
        self
    }

    /// Sequences that begin and never end.
    pub fn unended(mut self, depth: usize) -> Self {
        for _ in 0..depth {
            let header = self.header([0x0008, 0x1140], "SQ", u32::MAX);
            self.body.extend(header);
            self.body.extend([0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff]);
        }
        self
    }

    fn data_set(mut self, pixels: &Pixels) -> Self {
        let nested = std::mem::take(&mut self.body);
        self.text([0x0008, 0x0016], "UI", "1.2.840.10008.5.1.4.1.1.4");
        self.text([0x0008, 0x0018], "UI", &format!("2.25.{}", 77.0 + self.z_mm));
        self.text([0x0008, 0x0060], "CS", "MR");
        self.body.extend(nested);
        self.text([0x0020, 0x000e], "UI", "2.25.7");
        self.text([0x0020, 0x0032], "DS", &format!("-30\\-40\\{}", self.z_mm));
        self.text([0x0020, 0x0037], "DS", "1\\0\\0\\0\\1\\0");
        let short = |dicom: &mut Self, element: u16, value: u16| {
            let value = dicom.two(value);
            dicom.put([0x0028, element], "US", &value);
        };
        short(&mut self, 0x0002, 1);
        self.text([0x0028, 0x0004], "CS", "MONOCHROME2");
        if self.frames > 1 {
            self.text([0x0028, 0x0008], "IS", &self.frames.to_string());
        }
        let [columns, rows] = self.size;
        short(&mut self, 0x0010, rows);
        short(&mut self, 0x0011, columns);
        self.text([0x0028, 0x0030], "DS", "2\\1.5");
        let bits = self.bits;
        for (element, value) in [(0x0100, bits), (0x0101, bits), (0x0102, bits - 1), (0x0103, 0)] {
            short(&mut self, element, value);
        }
        match pixels {
            Pixels::Native(values) => {
                let count = [columns, rows, self.frames].map(usize::from).iter().product();
                let bytes: Vec<u8> = values.iter().take(count).flat_map(|&v| self.two(v)).collect();
                self.put([0x7fe0, 0x0010], "OW", &bytes);
            }
            Pixels::Fragment(bytes) => {
                let header = self.header([0x7fe0, 0x0010], "OB", u32::MAX);
                self.body.extend(header);
                self.body.extend([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0x00, 0xe0]);
                let padded = bytes.len().next_multiple_of(2);
                self.body.extend(self.four(padded as u32));
                self.body.extend(bytes);
                self.body.extend(vec![0; padded - bytes.len()]);
                self.body.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
            }
        }
        self
    }

    /// The whole file: preamble, meta header, data set.
    pub fn slice(self, pixels: &Pixels) -> Vec<u8> {
        let whole = self.data_set(pixels);
        [meta(whole.syntax), whole.body].concat()
    }
}

fn meta(syntax: &str) -> Vec<u8> {
    let mut meta = Dicom::explicit();
    meta.put([0x0002, 0x0001], "OB", &[0, 1]);
    meta.text([0x0002, 0x0002], "UI", "1.2.840.10008.5.1.4.1.1.4");
    meta.text([0x0002, 0x0003], "UI", "2.25.77");
    meta.text([0x0002, 0x0010], "UI", syntax);
    let mut group = Dicom::explicit();
    group.put([0x0002, 0x0000], "UL", &(meta.body.len() as u32).to_le_bytes());
    [vec![0; 128], b"DICM".to_vec(), group.body, meta.body].concat()
}

/// The data set of an explicit little-endian slice, deflated without a header (PS3.5 A.5).
pub(super) fn deflated() -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&Dicom::explicit().data_set(&native()).body).unwrap();
    [meta("1.2.840.10008.1.2.1.99"), encoder.finish().unwrap()].concat()
}

/// 64 pixels of 16 bits in two segments of literal runs, high bytes first (PS3.5 G).
pub(super) fn run_lengths() -> Vec<u8> {
    let segment = |shift: u16| [vec![63], (0..64_u16).map(|v| (v << 3 >> shift) as u8).collect(), vec![0x80]].concat();
    let (high, low) = (segment(8), segment(0));
    let mut header = vec![0; 64];
    for (n, value) in [2, 64, 64 + high.len() as u32].into_iter().enumerate() {
        header[4 * n..4 * n + 4].copy_from_slice(&value.to_le_bytes());
    }
    [header, high, low].concat()
}
