//! How normal sinuses look to a method: what scores and maps are compared with.

use crate::image::percentile;
use serde::{Deserialize, Serialize};

/// How normal sinuses look in maps of one kind, made with the same settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Normals {
    /// Their scores, ascending.
    #[serde(rename = "normal_scores")]
    pub scores: Vec<f64>,
    /// Values of the map that some shares of their voxels lie below, ascending.
    #[serde(rename = "normal_values", default)]
    pub values: Vec<NormalValue>,
    /// Which sinuses they are, for people; in brackets, how they were made.
    #[serde(rename = "normal_cohort", default)]
    pub cohort: String,
}

/// A value of a map, and the share of the voxels of normal sinuses that lie below it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NormalValue {
    /// Per cent of the voxels, 0 to 100.
    pub percent: f64,
    /// In the unit of the map.
    pub value: f64,
}

impl Normals {
    /// The percentage of them with a lower score, 0 to 100; none where there are none.
    #[must_use]
    pub fn below(&self, score: f64) -> Option<f64> {
        (!self.scores.is_empty()).then(|| percentile::rank_percent(&self.scores, score))
    }

    /// Which sinuses they are, without how they were made.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.cohort.split(" (").next() {
            Some(name) if !name.is_empty() => name,
            _ => "normal sinuses",
        }
    }
}
