//! How bright and how grainy each tissue is in one scan: textbook values with the variety of scanners and patients,
//! or drawn at random for training that shall not depend on the contrast.

use super::{Contrast, Tissue};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// One tissue in one scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paint {
    /// HU in CT, else per cent of white matter or so.
    pub mean: f32,
    /// How much the brightness varies within the tissue.
    pub grain: f32,
    /// The size of its grains.
    pub grain_mm: f32,
}

/// All tissues in one scan, by label.
pub(super) struct Palette {
    paints: Vec<Paint>,
}

impl Palette {
    /// Draws the palette of one scan.
    pub(super) fn draw(contrast: Contrast, rng: &mut ChaCha8Rng) -> Self {
        let means = if contrast == Contrast::Random { random(rng) } else { textbook(contrast, rng) };
        let air = means[Tissue::Air as usize];
        let paints = Tissue::ALL.into_iter().zip(means).map(|(tissue, mean)| {
            let mean = mean.max(air);
            if matches!(tissue, Tissue::Air | Tissue::SinusAir) {
                return Paint { mean, grain: 0.0, grain_mm: 1.0 };
            }
            let (share, of) = match contrast {
                Contrast::Ct => (grain(tissue), 100.0),
                Contrast::Random if rng.random_bool(0.5) => (rng.random_range(0.0_f32..0.5).powi(2), mean + 20.0),
                _ => (grain(tissue), mean),
            };
            let grain_mm = if contrast == Contrast::Random {
                1.2 * 6.0_f32.powf(rng.random())
            } else {
                rng.random_range(2.0..3.2)
            };
            Paint { mean, grain: share * of * rng.random_range(0.6..1.4), grain_mm }
        });
        Self { paints: paints.collect() }
    }

    /// The palette of a cast: what was bone, tooth or sinus has the brightness of one tissue, all else that of air.
    pub(super) fn cast(mut self) -> Self {
        let (air, plastic) = (self.of(Tissue::Air as u8), self.brightest());
        for (tissue, paint) in Tissue::ALL.into_iter().zip(&mut self.paints) {
            *paint = if tissue.in_cast() { plastic } else { air };
        }
        self
    }

    fn brightest(&self) -> Paint {
        let paints = || self.paints.iter().copied();
        let grainless = |paint: Paint| Paint { grain: 0.0, ..paint };
        paints().max_by(|a, b| a.mean.total_cmp(&b.mean)).map_or(self.of(Tissue::Bone as u8), grainless)
    }

    /// The paint of a label; labels are those of [`Tissue::ALL`].
    pub(super) fn of(&self, label: u8) -> Paint {
        self.paints[usize::from(label)]
    }

    /// From air to the brightest tissue that is not bone or metal.
    pub(super) fn range(&self) -> f32 {
        let air = self.of(Tissue::Air as u8).mean;
        let soft = [Tissue::Fat, Tissue::Muscle, Tissue::White, Tissue::Csf, Tissue::SinusMucosa];
        soft.iter().map(|&tissue| self.of(tissue as u8).mean - air).fold(1.0, f32::max)
    }
}

/// How much a tissue's brightness varies within it, as a share of its mean (in CT: of 100 HU).
fn grain(tissue: Tissue) -> f32 {
    match tissue {
        Tissue::NasalMucosa => 0.3,
        Tissue::Fat | Tissue::Marrow | Tissue::Muscle | Tissue::Skin => 0.16,
        Tissue::Secretion | Tissue::Polyp | Tissue::ThickMucosa | Tissue::Bone | Tissue::Gland => 0.12,
        Tissue::Grey | Tissue::White | Tissue::Cartilage => 0.06,
        _ => 0.0,
    }
}

/// Textbook means as they vary: by tissue, with suppressed fat, with contrast agent, and most in what fills a
/// diseased sinus, whose protein content varies from water to glue.
fn textbook(contrast: Contrast, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let ct = contrast == Contrast::Ct;
    let without_fat = match contrast {
        Contrast::Flair => 0.5,
        Contrast::T2 | Contrast::Pd => 0.35,
        Contrast::T1 => 0.2,
        Contrast::Ct | Contrast::Random => 0.0,
    };
    let fat = if rng.random_bool(without_fat) { rng.random_range(0.12..0.5) } else { 1.0 };
    let agent = contrast == Contrast::T1 && rng.random_bool(0.3);
    let enhanced = if agent { rng.random_range(1.4..2.2) } else { 1.0 };
    let air = if ct { -1000.0 } else { rng.random_range(0.5..6.0) };
    let draw = |tissue: Tissue| {
        let mean = contrast.mean(tissue);
        match tissue {
            Tissue::Air | Tissue::SinusAir => air,
            _ if ct && tissue.is_disease() => mean + rng.random_range(0.0_f32..1.0).powi(3) * 70.0,
            _ if ct && mean.abs() < 110.0 => mean + rng.random_range(-8.0..8.0),
            _ if ct => mean * rng.random_range(0.85..1.12),
            Tissue::Fat | Tissue::Marrow => mean * fat * rng.random_range(0.85..1.15),
            Tissue::NasalMucosa | Tissue::SinusMucosa | Tissue::ThickMucosa => {
                mean * enhanced * rng.random_range(0.85..1.15)
            }
            Tissue::Cyst | Tissue::Fluid | Tissue::Secretion | Tissue::OtherFluid => {
                mean * protein(contrast, rng.random_range(0.0_f32..1.0).powf(1.5)) * rng.random_range(0.85..1.15)
            }
            _ => mean * rng.random_range(0.85..1.15),
        }
    };
    Tissue::ALL.into_iter().map(draw).collect()
}

/// By how much brighter a fluid is with a share of protein between none and as thick as glue (Som 1989): bright in
/// T1 first, then dark in T2, and without signal at last.
fn protein(contrast: Contrast, share: f32) -> f32 {
    let dry = ((share - 0.55) / 0.45).max(0.0);
    match contrast {
        Contrast::T1 => (1.0 + 2.4 * share) * (1.0 - 0.6 * dry),
        Contrast::Flair => (1.0 + 0.4 * share) * (1.0 - 0.85 * dry),
        Contrast::T2 => (1.0 - 0.3 * share) * (1.0 - 0.85 * dry),
        _ => 1.0 - 0.6 * dry,
    }
}

/// Means without regard to physics, but with what scans have in common: air is darkest, tissues that are alike in
/// one kind of scan often are in another.
fn random(rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut means = match rng.random_range(0..20) {
        0..8 => blended(rng),
        8..11 => windowed(rng),
        11..16 => Tissue::ALL.into_iter().map(|_| rng.random_range(8.0..180.0)).collect(),
        _ => {
            // Everything soft alike, as in PD and in scans of low quality.
            let soft = rng.random_range(40.0..140.0);
            Tissue::ALL.into_iter().map(|_| soft * rng.random_range(0.8..1.2)).collect()
        }
    };
    let mut set = |tissues: &[Tissue], mean: f32| tissues.iter().for_each(|&t| means[t as usize] = mean);
    if rng.random_bool(0.5) {
        set(&[Tissue::Bone, Tissue::Tooth, Tissue::Metal], rng.random_range(0.0..30.0));
    }
    if rng.random_bool(0.3) {
        set(&[Tissue::Marrow], rng.random_range(5.0..170.0));
    }
    if rng.random_bool(0.25) {
        set(&[Tissue::Fat, Tissue::Marrow], rng.random_range(10.0..60.0));
    }
    if rng.random_bool(0.4) {
        let mucosa = rng.random_range(40.0..190.0);
        set(&[Tissue::NasalMucosa, Tissue::SinusMucosa, Tissue::ThickMucosa], mucosa);
    }
    if rng.random_bool(0.2) {
        let alike = rng.random_range(40.0..120.0);
        set(&[Tissue::NasalMucosa, Tissue::SinusMucosa, Tissue::Muscle, Tissue::Skin, Tissue::Cartilage], alike);
    }
    let fillings = [Tissue::ThickMucosa, Tissue::Cyst, Tissue::Polyp, Tissue::Fluid, Tissue::Secretion];
    for filling in fillings.into_iter().chain([Tissue::OtherFluid]) {
        if rng.random_bool(0.4) {
            let dark = rng.random_bool(0.12);
            set(&[filling], if dark { rng.random_range(5.0..30.0) } else { rng.random_range(30.0..200.0) });
        }
    }
    let air = if rng.random_bool(0.85) { rng.random_range(0.0..6.0) } else { rng.random_range(6.0..25.0) };
    set(&[Tissue::Air, Tissue::SinusAir], air);
    means
}

/// Something between two kinds of MR scan, as susceptibility- and diffusion-weighted ones are, and off by some.
fn blended(rng: &mut ChaCha8Rng) -> Vec<f32> {
    let kinds = [Contrast::Flair, Contrast::T1, Contrast::T2, Contrast::Pd];
    let mut one = || textbook(kinds[rng.random_range(0..kinds.len())], rng);
    let (a, b) = (one(), one());
    let share = if rng.random_bool(0.5) { 0.0 } else { rng.random_range(0.0..1.0) };
    let off = rng.random_range(0.0_f32..0.5);
    a.into_iter().zip(b).map(|(a, b)| (a + (b - a) * share) * rng.random_range(-off..=off).exp()).collect()
}

/// CT as pictures of it are: a soft-tissue or a bone window, all beyond it black or white.
fn windowed(rng: &mut ChaCha8Rng) -> Vec<f32> {
    let (centre, width) = match rng.random_range(0..3) {
        0 => (rng.random_range(20.0..80.0), rng.random_range(80.0..450.0)),
        1 => (rng.random_range(200.0..700.0), rng.random_range(1500.0..4000.0)),
        _ => (rng.random_range(-300.0..100.0), rng.random_range(600.0..2500.0)),
    };
    let grey = |hu: f32| ((hu - centre) / width + 0.5).clamp(0.0, 1.0) * 180.0;
    textbook(Contrast::Ct, rng).into_iter().map(grey).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn nothing_is_darker_than_air_and_air_is_never_bright() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for contrast in Contrast::ALL {
            for _ in 0..200 {
                let palette = Palette::draw(contrast, &mut rng);
                let air = palette.of(Tissue::Air as u8).mean;
                assert!(Tissue::ALL.iter().all(|&t| palette.of(t as u8).mean >= air), "{contrast:?}");
                assert_eq!(air, palette.of(Tissue::SinusAir as u8).mean);
                assert!(if contrast == Contrast::Ct { air == -1000.0 } else { air < 26.0 });
            }
        }
    }

    fn of(palette: &Palette, tissue: Tissue) -> f32 {
        palette.of(tissue as u8).mean
    }

    fn alike(a: f32, b: f32) -> bool {
        (a / b.max(1.0) - 1.0).abs() < 0.15
    }

    #[test]
    fn random_palettes_go_from_alike_to_unlike_and_from_dark_bone_to_bright() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let drawn: Vec<Palette> = (0..300).map(|_| Palette::draw(Contrast::Random, &mut rng)).collect();
        let share = |is: fn(&Palette) -> bool| drawn.iter().filter(|palette| is(palette)).count() as f64 / 300.0;
        for (what, share, least, most) in [
            ("bright bone", share(|p| of(p, Tissue::Bone) > of(p, Tissue::Muscle)), 0.1, 0.5),
            ("dark bone", share(|p| of(p, Tissue::Bone) < 35.0), 0.4, 0.9),
            ("bright fat", share(|p| of(p, Tissue::Fat) > of(p, Tissue::Muscle)), 0.3, 0.8),
            ("dark fat", share(|p| of(p, Tissue::Fat) < of(p, Tissue::Muscle)), 0.2, 0.7),
            ("mucosa like muscle", share(|p| alike(of(p, Tissue::SinusMucosa), of(p, Tissue::Muscle))), 0.1, 0.6),
            ("dark secretion", share(|p| of(p, Tissue::Secretion) < 30.0), 0.02, 0.3),
            ("raised air", share(|p| of(p, Tissue::Air) > 6.0), 0.05, 0.3),
        ] {
            assert!((least..most).contains(&share), "{what}: {share}");
        }
    }

    #[test]
    fn fluids_are_from_bright_to_dark_in_t2_and_from_dark_to_bright_in_t1() {
        assert!(protein(Contrast::T2, 0.0) == 1.0 && protein(Contrast::T2, 1.0) < 0.15);
        assert!(protein(Contrast::T1, 0.0) == 1.0 && protein(Contrast::T1, 0.5) > 2.0);
    }
}
