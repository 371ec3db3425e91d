//! What the header of a DICOM file says about each of its frames, without anything about the person.

use super::dataset::{DataSet, PixelPlace};
use super::file::{self, Body};
use super::geometry::ImagePlane;
use super::mosaic::Mosaic;
use super::pixels::{Codec, Layout, ModalityTable, Palette};
use super::remembered::{PHILIPS_INTERCEPT, PHILIPS_SLOPE};
use crate::io::Fault;
use crate::io::source::{MOST_INFLATED, Source};
use crate::volume::Rescale;
use ::dicom::core::Tag;
use ::dicom::dictionary_std::tags;
use std::sync::Arc;

/// No frame count of a real file is larger.
const MOST_FRAMES: usize = 1 << 16;
/// Lists that are kept for each frame are cut to so many values.
const MOST_VALUES: usize = 8;
/// Pixels of a compressed file up to this many bytes are believed; more must be plausible for the size of the file.
const BELIEVED_BYTES: usize = 32 << 20;

/// What all frames of a file share.
#[derive(Debug)]
pub(super) struct Image {
    pub source: Source,
    /// Transfer Syntax UID.
    pub syntax: String,
    pub codec: Codec,
    /// Of each slice.
    pub layout: Layout,
    /// Of the whole picture, where its tiles are the slices.
    pub mosaic: Option<(Mosaic, Layout)>,
    pub palette: Option<Palette>,
    /// What stored values measure, where that is no straight line.
    pub modality_table: Option<ModalityTable>,
    /// Series Instance UID.
    pub series: String,
    /// Series Number: only sorts lists.
    pub series_number: i64,
    /// Frame of Reference UID: images with the same one lie in the same space.
    pub frame_of_reference: String,
    /// SOP Instance UID: two files with the same one are the same image.
    pub instance_uid: String,
    pub modality: String,
    pub description: String,
    /// Whether the picture is not of the patient but of where the others lie.
    pub localiser: bool,
    pub frames: usize,
    /// The stored value of pixels that hold no measurement.
    pub padding: Option<f64>,
    /// Whether the file has Philips' private scale, which is not that of the standard.
    pub private_scale: bool,
}

/// One frame of a file as a slice in space.
#[derive(Clone, Debug)]
pub(in crate::io) struct Slice {
    pub(super) image: Arc<Image>,
    /// Which frame of the file, from 0.
    pub(super) frame: usize,
    /// Where it lies.
    pub(super) plane: ImagePlane,
    /// Whether the file says where it lies.
    pub(super) placed: bool,
    /// From stored to real values; none if the file has no slope and intercept.
    pub(super) rescale: Option<Rescale>,
    /// Slices of one volume have the same.
    pub(super) kind: Kind,
    /// Order in time among slices at the same place: temporal position, acquisition, instance, frame.
    pub(super) order: [i64; 4],
    /// Spacing Between Slices or Slice Thickness; only used for a single slice.
    pub(super) thickness_mm: Option<f64>,
}

impl Slice {
    /// The measured value of a stored one, by the table or the straight line that the file has.
    pub(super) fn real(&self, stored: i64) -> f64 {
        match &self.image.modality_table {
            Some(table) => table.measured(stored).into(),
            None => self.rescale.unwrap_or(Rescale::NONE).apply(stored as f64),
        }
    }
}

/// What tells apart volumes that were taken together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kind {
    /// Image Type without its first two values, which say how the pixels came about.
    pub image_type: Vec<String>,
    pub echo_time_ms: f64,
    /// Of a segmentation, which structure it is; otherwise 0.
    pub segment: usize,
}

impl Kind {
    /// Whether both are the same but for rounding.
    pub fn is(&self, other: &Self) -> bool {
        self.same_echo(other) && self.segment == other.segment && self.image_type == other.image_type
    }

    pub fn same_echo(&self, other: &Self) -> bool {
        (self.echo_time_ms - other.echo_time_ms).abs() < 0.01
    }
}

/// The slices of a file; an error if it holds a picture that cannot be opened or none at all.
pub(in crate::io) fn slices(source: &Source) -> Result<Vec<Slice>, Fault> {
    file::with_header(source, |body, set, pixels| of_header(source, body, set, pixels))
}

fn of_header(
    source: &Source,
    body: &Body<'_>,
    set: &DataSet<'_>,
    pixels: Option<&PixelPlace>,
) -> Result<Vec<Slice>, Fault> {
    if set.whole(tags::ROWS).is_none() || set.whole(tags::COLUMNS).is_none() {
        return Err(Fault::NotAScan("the DICOM file holds no picture".to_owned()));
    }
    let image_type = set.texts(tags::IMAGE_TYPE);
    let Some(pixels) = pixels else { return Err(Fault::Damaged("an image without pixels".to_owned())) };
    let layout = Layout::of(set)?;
    let mosaic = image_type.iter().any(|value| value == "MOSAIC").then(|| Mosaic::of(set));
    let mosaic = match mosaic {
        Some(None) => {
            let what = "a Siemens mosaic (many slices tiled in one picture) that does not say how it is tiled";
            return Err(Fault::Unsupported(what.to_owned()));
        }
        known => known.flatten(),
    };
    let codec = Codec::of(&body.syntax, pixels)?;
    let frames = match set.text(tags::NUMBER_OF_FRAMES) {
        text if text.is_empty() => 1,
        text => match text.parse::<usize>() {
            Ok(frames @ 1..=MOST_FRAMES) => frames,
            // Some writers put 0 where there is one picture.
            Ok(0) => 1,
            _ => return Err(Fault::Damaged(format!("it is said to have \"{text}\" frames"))),
        },
    };
    check_size(source, layout.bits().saturating_mul(frames).div_ceil(8), pixels)?;
    let modality = set.text(tags::MODALITY);
    let private = |tag| set.number(tag);
    let image = Arc::new(Image {
        source: source.clone(),
        syntax: body.syntax.clone(),
        codec,
        layout: mosaic.map_or(layout, |m| layout.tile(m.across)),
        mosaic: mosaic.map(|m| (m, layout)),
        palette: Palette::of(set, layout)?,
        modality_table: ModalityTable::of(set, layout),
        series: set.text(tags::SERIES_INSTANCE_UID),
        series_number: set.number(tags::SERIES_NUMBER).unwrap_or(0.0) as i64,
        frame_of_reference: set.text(tags::FRAME_OF_REFERENCE_UID),
        instance_uid: set.text(tags::SOP_INSTANCE_UID),
        localiser: image_type.iter().any(|value| value == "LOCALIZER"),
        description: set.text(tags::SERIES_DESCRIPTION),
        frames: mosaic.map_or(frames, |m| m.slices),
        padding: set.number(tags::PIXEL_PADDING_VALUE).map(|v| layout.signed_value(v)),
        private_scale: private(PHILIPS_SLOPE).is_some_and(|s| s != 1.0)
            || private(PHILIPS_INTERCEPT).is_some_and(|i| i != 0.0),
        modality,
    });
    let offsets = set.numbers(tags::GRID_FRAME_OFFSET_VECTOR);
    let classic = Groups { own: None, shared: None, set };
    let first_place = classic.plane();
    let step_mm = set.number(tags::SPACING_BETWEEN_SLICES);
    if let (Some((mosaic, _)), Some(whole)) = (image.mosaic, first_place) {
        let tile = [image.layout.columns, image.layout.rows];
        let slices = (0..mosaic.slices)
            .map(|slice| classic.slice(&image, slice, mosaic.plane(set, whole, tile, slice), &image_type));
        return Ok(slices.collect());
    }
    let slices = (0..frames).map(|frame| {
        let groups = Groups::of(set, frame);
        // Frames of a classic image lie behind one another: at given offsets (RT Dose, PS3.3 C.8.8.3.2) or evenly.
        let classic_place = || {
            let offset = match (offsets.get(frame), offsets.first()) {
                (Some(offset), Some(first)) => offset - first,
                _ => step_mm.unwrap_or(0.0) * frame as f64,
            };
            first_place.filter(|_| offset.is_finite()).map(|plane| plane.shifted(offset))
        };
        let plane = groups.plane().filter(|_| groups.own.is_some()).or_else(classic_place);
        groups.slice(&image, frame, plane, &image_type)
    });
    Ok(slices.collect())
}

/// The pixels must be there, as far as the header and the size of the file tell.
fn check_size(source: &Source, needed: usize, pixels: &PixelPlace) -> Result<(), Fault> {
    let file = source.size().unwrap_or(0) as usize;
    match pixels {
        PixelPlace::Native { place, .. } if place.len() < needed => {
            Err(Fault::Damaged(format!("its pixels have {} of {needed} bytes", place.len())))
        }
        _ if needed > BELIEVED_BYTES.max(file.saturating_mul(MOST_INFLATED as usize)) => {
            Err(Fault::Damaged(format!("{needed} bytes of pixels are announced in a file of {file}")))
        }
        _ => Ok(()),
    }
}

/// Where to look for an attribute of a frame: its own functional groups, those shared by all (PS3.3 C.7.6.16), and the
/// data set itself, where classic images have it.
pub(super) struct Groups<'s, 'a> {
    own: Option<&'s DataSet<'a>>,
    shared: Option<&'s DataSet<'a>>,
    set: &'s DataSet<'a>,
}

impl<'s, 'a> Groups<'s, 'a> {
    pub fn of(set: &'s DataSet<'a>, frame: usize) -> Self {
        Self {
            own: set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).get(frame),
            shared: set.items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).first(),
            set,
        }
    }

    /// The item of a functional group, or the data set.
    pub fn group(&self, sequence: Tag) -> &'s DataSet<'a> {
        let item = |groups: Option<&'s DataSet<'a>>| groups.and_then(|g| g.items(sequence).first());
        item(self.own).or_else(|| item(self.shared)).unwrap_or(self.set)
    }

    fn plane(&self) -> Option<ImagePlane> {
        let measures = self.group(tags::PIXEL_MEASURES_SEQUENCE);
        let (position, orientation) =
            (self.group(tags::PLANE_POSITION_SEQUENCE), self.group(tags::PLANE_ORIENTATION_SEQUENCE));
        // Nuclear medicine has them in the description of the detector (PS3.3 C.8.4.11).
        let detector = self.set.items(tags::DETECTOR_INFORMATION_SEQUENCE).first();
        ImagePlane::of(position, orientation, measures)
            .or_else(|| detector.and_then(|detector| ImagePlane::of(detector, detector, self.set)))
    }

    fn slice(&self, image: &Arc<Image>, frame: usize, plane: Option<ImagePlane>, image_type: &[String]) -> Slice {
        let measures = self.group(tags::PIXEL_MEASURES_SEQUENCE);
        let thickness = [tags::SPACING_BETWEEN_SLICES, tags::SLICE_THICKNESS].map(|tag| measures.number(tag));
        let thickness_mm = thickness.into_iter().flatten().map(f64::abs).find(|&mm| mm > 0.0);
        let frame_type = [tags::MR_IMAGE_FRAME_TYPE_SEQUENCE, tags::CT_IMAGE_FRAME_TYPE_SEQUENCE]
            .map(|tag| self.group(tag).texts(tags::FRAME_TYPE))
            .into_iter()
            .find(|values| !values.is_empty())
            .unwrap_or_else(|| image_type.to_vec());
        let echo = self.group(tags::MR_ECHO_SEQUENCE).number(tags::EFFECTIVE_ECHO_TIME);
        let content = self.group(tags::FRAME_CONTENT_SEQUENCE);
        let whole = |set: &DataSet<'_>, tag| set.number(tag).map(|v| v as i64);
        let temporal = whole(content, tags::TEMPORAL_POSITION_INDEX)
            .or_else(|| whole(self.set, tags::TEMPORAL_POSITION_IDENTIFIER));
        let acquisition =
            whole(content, tags::FRAME_ACQUISITION_NUMBER).or_else(|| whole(self.set, tags::ACQUISITION_NUMBER));
        Slice {
            image: Arc::clone(image),
            frame,
            placed: plane.is_some(),
            plane: plane.unwrap_or_else(|| ImagePlane::of_picture(self.set)),
            rescale: rescale(self.group(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE)),
            kind: Kind {
                image_type: frame_type.into_iter().skip(2).take(MOST_VALUES).collect(),
                segment: self
                    .group(tags::SEGMENT_IDENTIFICATION_SEQUENCE)
                    .whole(tags::REFERENCED_SEGMENT_NUMBER)
                    .unwrap_or(0),
                echo_time_ms: echo.or_else(|| self.set.number(tags::ECHO_TIME)).unwrap_or(0.0),
            },
            order: [
                temporal.unwrap_or(0),
                acquisition.unwrap_or(0),
                whole(self.set, tags::INSTANCE_NUMBER).unwrap_or(0),
                frame as i64,
            ],
            thickness_mm,
        }
    }
}

fn rescale(set: &DataSet<'_>) -> Option<Rescale> {
    let (slope, intercept) = (set.number(tags::RESCALE_SLOPE), set.number(tags::RESCALE_INTERCEPT));
    let known = slope.is_some() || intercept.is_some();
    let rescale = Rescale { slope: slope.unwrap_or(1.0), intercept: intercept.unwrap_or(0.0) };
    (known && rescale.slope != 0.0).then_some(rescale)
}

/// The files that a DICOMDIR names and that are there, and how many are not; none if the file is no DICOMDIR.
pub(in crate::io) fn directory(source: &Source) -> Option<(Vec<Source>, usize)> {
    let listed = file::with_header(source, |_, set, _| {
        let records = set.items(tags::DIRECTORY_RECORD_SEQUENCE);
        let names: Vec<Vec<String>> = records.iter().map(|r| r.texts(tags::REFERENCED_FILE_ID)).collect();
        Ok(set.has(tags::DIRECTORY_RECORD_SEQUENCE).then_some(names))
    });
    // A file that is wrong will say so when it is read as a picture.
    let names = listed.ok().flatten()?;
    let folder = source.path().parent()?;
    // A name may only lead into the folder of the DICOMDIR (PS3.10 section 8.2).
    let harmless = |part: &String| !part.is_empty() && part != ".." && !part.contains(['/', '\\', ':']);
    let named: Vec<&Vec<String>> =
        names.iter().filter(|parts| !parts.is_empty() && parts.iter().all(harmless)).collect();
    // Discs are often mounted with their names in small letters.
    let find = |parts: &&Vec<String>| {
        let exact = parts.iter().fold(folder.to_owned(), |path, part| path.join(part));
        let small = parts.iter().fold(folder.to_owned(), |path, part| path.join(part.to_lowercase()));
        [exact, small].into_iter().find(|path| path.is_file())
    };
    let there: Vec<Source> = named.iter().filter_map(find).map(Source::File).collect();
    let missing = named.len() - there.len();
    Some((there, missing))
}
