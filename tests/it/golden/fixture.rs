//! A fixture: JSON, its arrays, and the formula that makes weights and inputs on both sides.

use safetensors::SafeTensors;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One item of the golden folder.
pub(super) struct Fixture {
    pub json: Value,
    arrays: Vec<u8>,
    salt: String,
}

impl Fixture {
    /// `A_networks/paranasal_cae`, say; from `ANTRUM_GOLDEN`, else the shared folder, else the copies in tests/data.
    pub(super) fn load(item: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = match std::env::var_os("ANTRUM_GOLDEN") {
            Some(folder) => vec![PathBuf::from(folder)],
            None => vec![root.join("../shared/golden/alpha"), root.join("tests/data/golden")],
        };
        let path = folders.into_iter().map(|f| f.join(format!("{item}.json"))).find(|p| p.is_file());
        let path = path.unwrap_or_else(|| panic!("no fixture {item}"));
        let json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let salt = json["salt"].as_str().expect("a fixture names its salt").to_owned();
        let arrays = std::fs::read(path.with_extension("safetensors")).unwrap_or_default();
        Self { json, arrays, salt }
    }

    /// A stored array of 32-bit floats.
    pub(super) fn floats(&self, name: &str) -> Vec<f32> {
        bytemuck::pod_collect_to_vec(self.bytes(name).as_slice())
    }

    /// A stored array of 32-bit integers.
    pub(super) fn integers(&self, name: &str) -> Vec<i32> {
        bytemuck::pod_collect_to_vec(self.bytes(name).as_slice())
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        SafeTensors::deserialize(&self.arrays).unwrap().tensor(name).unwrap().data().to_vec()
    }

    /// `n` numbers in 0..1 of the formula, exact in f32.
    pub(super) fn uniform(&self, key: &str, n: usize) -> Vec<f64> {
        let text = format!("{}|{key}", self.salt);
        let hash = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let unit = |i: u64| {
            let mut z = hash.wrapping_add((i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            (z >> 40) as f64 / f64::from(1 << 24)
        };
        (0..n as u64).map(unit).collect()
    }

    /// The input `name`, uniform between its bounds.
    pub(super) fn input(&self, group: &Value, name: &str) -> Vec<f32> {
        let spec = &group[name];
        let bound = |key: &str, default: f64| spec[key].as_f64().unwrap_or(default);
        let (low, high) = (bound("lo", 0.0), bound("hi", 1.0));
        let n: u64 = spec["shape"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).product();
        let key = spec["key"].as_str().unwrap_or(name);
        self.uniform(key, n as usize).iter().map(|u| (low + (high - low) * u) as f32).collect()
    }

    /// All parameters and buffers with numbers in them: state-dict key, shape, values by the rule that the fixture names.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (String, Vec<usize>, Vec<f32>)> {
        let state = self.json["state"].as_array().unwrap();
        state.iter().filter(|row| row[2] != "skip").map(|row| {
            let key = row[0].as_str().unwrap();
            let shape: Vec<usize> = row[1].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect();
            let value = |u: f64| match row[2].as_str().unwrap() {
                "fan_in" => (2.0 * u - 1.0) * (3.0 / shape[1..].iter().product::<usize>() as f64).sqrt(),
                "scale" => 0.5 + u,
                "small" => (2.0 * u - 1.0) * 0.1,
                other => panic!("rule {other}"),
            };
            let values = self.uniform(key, shape.iter().product()).into_iter().map(|u| value(u) as f32).collect();
            (key.to_owned(), shape, values)
        })
    }

    /// Compares with an output that is stored whole or as samples; the relative L2 distance.
    pub(super) fn distance(&self, output: &str, ours: &[f32]) -> f64 {
        let stored = self.json["outputs"][output]["stored"].as_str().unwrap();
        let (ours, theirs) = if stored == "full" {
            (ours.to_vec(), self.floats(&format!("out.{output}")))
        } else {
            let at = self.integers(&format!("out.{output}.idx"));
            (at.iter().map(|&i| ours[i as usize]).collect(), self.floats(&format!("out.{output}.val")))
        };
        relative_l2(&ours, &theirs)
    }
}

/// |a - b| / |b|.
pub(super) fn relative_l2(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let square = |v: f64| v * v;
    let difference: f64 = ours.iter().zip(theirs).map(|(a, b)| square(f64::from(a - b))).sum();
    (difference / theirs.iter().map(|&b| square(f64::from(b))).sum::<f64>()).sqrt()
}

/// The largest absolute difference.
pub(super) fn largest_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn golden_formula_gives_the_worked_value() {
    let fixture = Fixture { json: Value::Null, arrays: Vec::new(), salt: "alpha".to_owned() };
    assert_eq!(fixture.uniform("input", 1)[0], 0.737_580_716_609_954_8);
}
