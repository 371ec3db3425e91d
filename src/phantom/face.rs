//! The face around the sinuses: orbits, nose, the small sinuses, jaws and teeth, muscles and fat.
//!
//! Each part is a function that claims a point or leaves it to the next. `p` is a point of the head's own frame,
//! `m` the same mirrored to x >= 0, so that both sides are described once.

use super::Tissue;
use super::shape::{Noise, capsule, cuboid, ellipsoid, noise_offset, ramp, smooth_max, smooth_min};
use super::sinus::Near;
use glam::{Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Where the middle of an eyeball is.
const EYE: Vec3 = vec3(31.0, 83.5, -20.5);
/// Where the orbit's walls meet behind the eye.
const ORBIT_APEX: Vec3 = vec3(17.0, 46.0, -17.0);

/// What differs between the faces of two subjects.
pub(super) struct Face {
    /// How far the nasal septum bows to +x in mm.
    septum_bow_mm: f32,
    /// Swelling of the turbinates, patient left and right: the nasal cycle.
    swelling: [f32; 2],
    shift: Vec3,
}

impl Face {
    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Self {
        let cycle = rng.random_range(-0.14..0.14);
        Self {
            septum_bow_mm: rng.random_range(-3.0..3.0),
            swelling: [1.0 + cycle, 1.0 - cycle],
            shift: noise_offset(rng),
        }
    }

    /// The parts with air or fluid of their own, and the bone right around them.
    pub(super) fn cavity(&self, noise: &Noise, p: Vec3, m: Vec3, sinus: Near, wall_mm: f32) -> Option<Tissue> {
        let outside_sinus_mm = sinus.distance_mm - wall_mm;
        self.orbit(noise, m)
            .or_else(|| self.nose(noise, p, m, outside_sinus_mm))
            .or_else(|| self.small_sinuses(noise, p, m))
            .or_else(|| throat_and_mouth(noise, self.shift, p, m))
    }

    fn orbit(&self, noise: &Noise, m: Vec3) -> Option<Tissue> {
        if m.y < 38.0 || m.z.abs() > 46.0 || m.z > 6.0 {
            return None;
        }
        let eye = m - EYE;
        let eye_mm = eye.length() - 12.2;
        if eye_mm < 0.0 {
            let lens = ellipsoid(eye, vec3(0.0, 8.4, 0.0), vec3(4.6, 2.2, 4.6));
            return Some(if lens < 0.0 {
                Tissue::Lens
            } else if eye_mm > -1.2 {
                Tissue::Sclera
            } else {
                Tissue::Vitreous
            });
        }
        let axis = vec3(33.0, 94.0, -20.5) - ORBIT_APEX;
        let t = ((m - ORBIT_APEX).dot(axis) / axis.length_squared()).clamp(0.0, 1.0);
        let radius_mm = 3.0 + 16.0 * t.powf(0.7);
        let cone_mm = (m - ORBIT_APEX - axis * t).length() - radius_mm;
        if cone_mm > 4.0 || m.y > 96.0 {
            return None;
        }
        if cone_mm > 0.0 {
            // The rim and the lateral wall are thick, floor and medial wall are paper-thin.
            let thick_mm = 1.2 + 2.6 * ramp(86.0, 92.0, m.y) + 1.8 * ramp(34.0, 44.0, m.x);
            let inner = cone_mm > 1.2 && cone_mm < thick_mm - 1.0;
            return (cone_mm < thick_mm && m.y < 94.0).then_some(if inner { Tissue::Marrow } else { Tissue::Bone });
        }
        let nerve = capsule(m, EYE + vec3(-3.0, -11.0, 0.0), ORBIT_APEX, 1.9, 1.7);
        if nerve < 0.0 {
            return Some(Tissue::White);
        }
        if nerve < 0.8 {
            return Some(Tissue::Csf);
        }
        let rectus = |x: f32, z: f32| {
            let belly = EYE + vec3(x * 11.5 - 6.0, -16.0, z * 11.0);
            capsule(m, ORBIT_APEX + 2.0 * vec3(x, 0.0, z), belly, 1.2, 2.3).min(capsule(
                m,
                belly,
                EYE + vec3(x * 12.6, 2.0, z * 12.6),
                2.3,
                0.7,
            ))
        };
        let muscles = rectus(1.0, 0.0).min(rectus(-1.0, 0.0)).min(rectus(0.0, 1.0)).min(rectus(0.0, -1.0));
        let gland = ellipsoid(m, EYE + vec3(12.0, 5.0, 10.0), vec3(3.5, 6.0, 4.5));
        let strand = noise.at(m / 3.0 + self.shift).abs() < 0.04;
        Some(if muscles < 0.0 || gland < 0.0 || strand { Tissue::Muscle } else { Tissue::Fat })
    }

    fn nose(&self, noise: &Noise, p: Vec3, m: Vec3, outside_sinus_mm: f32) -> Option<Tissue> {
        // The nostrils and the vestibule behind them, in the soft part of the nose.
        let nostril = capsule(m, vec3(6.2, 114.0, -68.0), vec3(4.6, 105.0, -52.0), 3.3, 3.6);
        if nostril < 0.0 {
            return Some(Tissue::Air);
        }
        let half_width = lerp_table(&[(-60.0, 16.0), (-42.0, 13.5), (-30.0, 7.0), (-20.0, 4.5), (-9.0, 3.0)], m.z);
        let half_width = half_width * (1.0 - 0.5 * ramp(84.0, 106.0, m.y));
        let front = 104.0 - 0.32 * (m.z + 58.0).max(0.0);
        let wall_mm = smooth_max(m.x - half_width, (-62.0 - m.z).max(m.z + 9.0), 3.0);
        if wall_mm > 1.2 || m.y > front || m.y < 44.0 {
            return None;
        }
        if wall_mm > 0.0 {
            return Some(Tissue::Bone);
        }
        let bow = (-((m.z + 45.0) / 13.0).powi(2) - ((m.y - 80.0) / 20.0).powi(2)).exp();
        let septum_mm = (p.x - self.septum_bow_mm * bow).abs();
        if septum_mm < 0.65 && m.y > 50.0 {
            return Some(if m.y > 84.0 && m.z < -34.0 { Tissue::Cartilage } else { Tissue::Bone });
        }
        let lining_mm = 1.3 + 0.7 * noise.at(p / 5.0 + self.shift);
        if (septum_mm < 0.65 + lining_mm && m.y > 51.0)
            || outside_sinus_mm < lining_mm
            || wall_mm.max(m.y - front) > -lining_mm
        {
            return Some(Tissue::NasalMucosa);
        }
        let swelling = self.swelling[usize::from(p.x > 0.0)];
        Some(turbinates(noise, self.shift, m, swelling).unwrap_or(Tissue::Air))
    }

    fn small_sinuses(&self, noise: &Noise, p: Vec3, m: Vec3) -> Option<Tissue> {
        let ethmoid = cuboid(m, vec3(9.0, 69.0, -24.0), vec3(3.5, 18.0, 11.0)) - 2.5;
        if ethmoid < 0.9 {
            return Some(if ethmoid > 0.0 { Tissue::Bone } else { cells(noise, self.shift, p, 8.5, 1.1) });
        }
        let sphenoid = ellipsoid(m, vec3(7.6, 33.0, -28.0), vec3(8.5, 12.5, 9.5)) + noise.at(p / 8.0 + self.shift);
        let frontal = ellipsoid(m, vec3(11.0, 93.0, 2.0), vec3(10.0, 4.5, 12.0)) + 2.0 * noise.at(p / 7.0 - self.shift);
        let nearest = sphenoid.min(frontal);
        if nearest < 1.3 && m.x > 0.5 {
            return Some(if nearest > 0.0 {
                Tissue::Bone
            } else if nearest > -0.8 {
                Tissue::NasalMucosa
            } else {
                Tissue::Air
            });
        }
        let mastoid = ellipsoid(m, vec3(55.0, -20.0, -46.0), vec3(10.0, 14.0, 17.0));
        (mastoid < 0.0).then(|| if mastoid > -2.0 { Tissue::Bone } else { cells(noise, self.shift, p, 5.0, 0.7) })
    }

    /// Bones and teeth of the face and of the skull base.
    pub(super) fn bone(&self, noise: &Noise, m: Vec3) -> Option<Tissue> {
        // (distance, thickness of the dense outer layer)
        let mut nearest = (f32::INFINITY, 1.5);
        let mut add = |distance: f32, cortex_mm: f32| {
            if distance < nearest.0 {
                nearest = (distance, cortex_mm);
            }
        };
        add(ellipsoid(m, vec3(48.0, 81.0, -46.0), vec3(10.0, 8.0, 12.0)), 1.3);
        add(capsule(m, vec3(54.0, 79.0, -45.0), vec3(65.5, 40.0, -43.0), 3.4, 2.8), 1.3);
        add(capsule(m, vec3(65.5, 40.0, -43.0), vec3(64.0, 5.0, -40.0), 2.8, 3.5), 1.3);
        add(capsule(m, vec3(51.0, 84.0, -36.0), vec3(50.0, 80.0, -8.0), 4.0, 4.0), 1.4);
        add(capsule(m, vec3(14.5, 98.0, -60.0), vec3(7.5, 99.0, -18.0), 2.4, 2.4), 1.2);
        add(capsule(m, vec3(1.5, 104.5, -22.0), vec3(3.0, 100.0, -12.0), 1.8, 3.0), 1.5);
        add(capsule(m, vec3(0.0, 97.0, -64.5), vec3(0.0, 104.5, -65.0), 2.4, 1.2), 1.0);
        add(cuboid(m, vec3(0.0, 77.0, -64.3), vec3(22.0, 25.0, 2.0)), 0.9);
        add(cuboid(m, vec3(13.0, 49.0, -56.0), vec3(1.0, 5.0, 13.0)), 2.0);
        add(capsule(m, vec3(15.0, 51.0, -44.0), vec3(21.0, 45.0, -66.0), 2.6, 1.4), 1.0);
        add(ellipsoid(m, vec3(15.0, 45.0, -37.0), vec3(7.0, 6.0, 7.0)), 1.2);
        add(capsule(m, vec3(0.0, 20.0, -34.0), vec3(0.0, 0.0, -62.0), 9.0, 6.0), 1.5);
        add(capsule(m, vec3(14.0, 4.0, -46.0), vec3(52.0, -12.0, -38.0), 8.0, 8.5), 5.5);
        add(capsule(m, vec3(0.0, 3.0, -78.0), vec3(0.0, 3.0, -140.0), 8.0, 9.0), 1.5);
        add(ellipsoid(m, vec3(19.0, -6.0, -88.0), vec3(9.0, 9.0, 13.0)), 1.5);
        add(Self::mandible(m), 2.2);
        let teeth = arch(m).and_then(|arch| {
            add(arch.upper_jaw_mm, 1.2);
            arch.tooth.then_some(Tissue::Tooth)
        });
        let (distance_mm, cortex_mm) = nearest;
        let trabeculae = 0.6 * noise.at(m / 2.5 + self.shift);
        let bone = if distance_mm > -cortex_mm + trabeculae { Tissue::Bone } else { Tissue::Marrow };
        teeth.or((distance_mm < 0.0).then_some(bone))
    }

    fn mandible(m: Vec3) -> f32 {
        let chin = capsule(m, vec3(0.0, 93.0, -110.0), vec3(18.0, 87.0, -110.0), 8.5, 7.5);
        let body = capsule(m, vec3(18.0, 87.0, -110.0), vec3(45.0, 34.0, -100.0), 7.5, 6.0);
        let alveolus = capsule(m, vec3(0.0, 96.0, -103.0), vec3(18.0, 88.0, -102.0), 5.0, 5.5).min(capsule(
            m,
            vec3(18.0, 88.0, -102.0),
            vec3(31.0, 60.0, -97.0),
            5.5,
            6.0,
        ));
        let ramus = cuboid(m, vec3(48.5, 26.0 + 0.12 * (m.z + 72.0), -74.0), vec3(1.6, 12.0, 28.0)) - 1.8;
        let coronoid = capsule(m, vec3(48.0, 36.0, -52.0), vec3(47.5, 42.0, -36.0), 3.4, 1.5);
        let condyle = capsule(m, vec3(48.0, 14.0, -50.0), vec3(49.0, 10.0, -36.0), 4.0, 5.5);
        smooth_min(chin.min(body), alveolus, 3.0).min(ramus.min(coronoid)).min(condyle)
    }

    /// Muscle or fat: what is left between the skin and the bones. `skin_mm` is the depth below the surface.
    pub(super) fn soft(&self, noise: &Noise, m: Vec3, skin_mm: f32, sinus: Near) -> Tissue {
        // The fat pad behind the posterolateral wall of the sinus, and under the muscles in front of it.
        let waves = noise.at(m / 9.0 + self.shift);
        let local = sinus.local;
        let behind = local.x * 0.56 - local.y * 0.83 > 4.0;
        if behind && sinus.distance_mm < 5.0 + 2.5 * waves {
            return Tissue::Fat;
        }
        let in_front = local.y > 8.0 && local.z.abs() < 26.0;
        if in_front && sinus.distance_mm > 3.0 + waves && sinus.distance_mm < 6.5 + 2.0 * waves {
            return Tissue::Muscle;
        }
        let streaks = noise.at(m / vec3(3.0, 3.0, 9.0) + self.shift);
        if muscles(m) < 1.5 * waves {
            return if streaks.abs() < 0.035 { Tissue::Fat } else { Tissue::Muscle };
        }
        let deep = ramp(10.0, 24.0, skin_mm + 4.0 * waves);
        let strand = noise.at(m / vec3(7.0, 8.0, 15.0) - self.shift);
        let muscle = if deep > 0.5 { strand.abs() > 0.09 * ramp(-0.3, 0.5, waves) } else { strand.abs() < 0.08 };
        if muscle { Tissue::Muscle } else { Tissue::Fat }
    }
}

/// Distance to the nearest muscle.
fn muscles(m: Vec3) -> f32 {
    let bellies = [
        (vec3(58.5, 33.0, -76.0), vec3(6.5, 19.0, 31.0)),    // masseter
        (vec3(36.0, 34.0, -82.0), vec3(8.5, 15.0, 24.0)),    // medial pterygoid
        (vec3(34.0, 34.0, -50.0), vec3(13.0, 19.0, 11.0)),   // lateral pterygoid
        (vec3(53.0, 47.0, -28.0), vec3(8.0, 21.0, 30.0)),    // temporalis, behind the zygoma
        (vec3(68.0, 20.0, 2.0), vec3(6.0, 38.0, 38.0)),      // temporalis, on the skull
        (vec3(12.0, 15.0, -92.0), vec3(9.0, 6.0, 45.0)),     // in front of the spine
        (vec3(20.0, -52.0, -112.0), vec3(24.0, 26.0, 42.0)), // neck
        (vec3(50.0, -18.0, -112.0), vec3(9.0, 15.0, 45.0)),  // sternocleidomastoid
        (vec3(0.0, 103.0, -82.0), vec3(23.0, 6.0, 13.0)),    // around the mouth
        (vec3(38.0, 62.0, -84.0), vec3(3.0, 20.0, 13.0)),    // buccinator
        (vec3(0.0, 62.0, -112.0), vec3(16.0, 34.0, 8.0)),    // floor of the mouth
    ];
    bellies.iter().map(|&(centre, radii)| ellipsoid(m, centre, radii)).fold(f32::INFINITY, f32::min)
}

/// The turbinates: scrolls of thick mucosa around a curled bone, one above the other on the lateral wall.
fn turbinates(noise: &Noise, shift: Vec3, m: Vec3, swelling: f32) -> Option<Tissue> {
    let scrolls = [
        (vec3(9.0, 76.0, -54.5), vec3(4.7, 22.0, 6.6)),
        (vec3(7.2, 71.0, -41.0), vec3(3.8, 18.0, 6.2)),
        (vec3(4.6, 64.0, -29.0), vec3(1.8, 10.0, 4.0)),
    ];
    let scroll_mm = |(centre, radii): (Vec3, Vec3)| {
        let body = ellipsoid(m, centre, radii * swelling);
        let stalk = capsule(m, centre + vec3(0.0, -8.0, 3.0), centre + vec3(7.0, 4.0, 5.0), 1.2, 1.2);
        smooth_min(body, stalk, 2.0)
    };
    let surface_mm = scrolls.into_iter().map(scroll_mm).fold(f32::INFINITY, f32::min) + 0.6 * noise.at(m / 5.0 + shift);
    if surface_mm > 0.0 {
        return None;
    }
    let curl = noise.at(vec3(m.x, m.y / 3.0, m.z) / 4.0 - shift);
    Some(if surface_mm < -2.0 && curl.abs() < 0.16 { Tissue::Bone } else { Tissue::NasalMucosa })
}

/// Air cells of about `size_mm` with bony partitions and a thin lining.
fn cells(noise: &Noise, shift: Vec3, p: Vec3, size_mm: f32, lining_mm: f32) -> Tissue {
    let warp = |offset: Vec3| noise.at(p / 9.0 + offset) * 0.45 * size_mm;
    let warped = p + shift + vec3(warp(shift), warp(-shift), warp(shift * 2.0));
    let place = warped / size_mm;
    let to_wall = (Vec3::splat(0.5) - (place - place.floor() - 0.5).abs()) * size_mm;
    let wall_mm = to_wall.min_element();
    if wall_mm < 0.45 {
        Tissue::Bone
    } else if wall_mm < 0.45 + lining_mm {
        Tissue::NasalMucosa
    } else {
        Tissue::Air
    }
}

fn throat_and_mouth(noise: &Noise, shift: Vec3, p: Vec3, m: Vec3) -> Option<Tissue> {
    if m.x > 36.0 || m.y < 5.0 || m.z > -30.0 {
        return None;
    }
    let squeezed = p * vec3(0.72, 1.0, 1.0);
    let upper = capsule(squeezed, vec3(0.0, 45.0, -48.0), vec3(0.0, 36.0, -58.0), 9.5, 9.0);
    let lower = capsule(squeezed, vec3(0.0, 34.0, -62.0), vec3(0.0, 24.0, -140.0), 6.5, 6.0);
    let throat = smooth_min(upper, lower, 4.0);
    if throat < 0.0 {
        return Some(Tissue::Air);
    }
    if throat < 2.0 && m.y < 50.0 {
        return Some(Tissue::NasalMucosa);
    }
    let soft_palate = capsule(m, vec3(0.0, 52.0, -65.0), vec3(0.0, 36.0, -78.0), 4.0, 2.5);
    if soft_palate < 0.0 {
        return Some(Tissue::Muscle);
    }
    let tongue = ellipsoid(m, vec3(0.0, 64.0, -87.0), vec3(23.0, 34.0, 16.5));
    if tongue < 0.0 {
        let streak = noise.at(p / vec3(5.0, 9.0, 3.0) + shift);
        return Some(if streak.abs() < 0.09 { Tissue::Fat } else { Tissue::Muscle });
    }
    let palate = -69.0 - 1.2 * noise.at(p / 12.0 + shift);
    (tongue < 2.0 && m.z < palate && m.z > -86.0).then_some(Tissue::Air)
}

/// The dental arch at a point near it.
struct Arch {
    /// Distance to the bone that holds the upper teeth.
    upper_jaw_mm: f32,
    /// Whether the point is within a tooth.
    tooth: bool,
}

fn arch(m: Vec3) -> Option<Arch> {
    if m.z > -60.0 || m.z < -106.0 || m.y < 50.0 || m.x > 42.0 {
        return None;
    }
    let (half_width, length) = (27.0, 38.0);
    let flat = vec3(m.x, (m.y - 62.0).max(0.0), 0.0);
    let across_mm = ellipsoid(flat, Vec3::ZERO, vec3(half_width, length, 100.0));
    let behind_mm = (62.0 - m.y).max(0.0);
    let ridge_mm = smooth_max(smooth_max(across_mm.abs() - 6.5, behind_mm - 10.0, 6.0), -78.0 - m.z, 4.0);
    let upper_jaw_mm = smooth_max(ridge_mm, m.z + 61.0 + 0.8 * behind_mm, 5.0);
    // Roots taper away from the crowns; every 7.5 mm along the arch a new tooth begins.
    let along_mm = if behind_mm > 0.0 { -behind_mm } else { 36.0 * (flat.y / length).atan2(m.x / half_width) };
    let place = along_mm / 7.5;
    let from_axis_mm = ((place - place.floor() - 0.5) * 7.5).abs();
    let (root, crown) = if m.z > -86.5 { (m.z + 78.0, -86.0 - m.z) } else { (-94.0 - m.z, m.z + 87.0) };
    let half_mm = 3.5 - 0.2 * root.max(0.0);
    let tooth = crown < 0.0 && root < 11.0 && behind_mm < 9.0 && across_mm.abs().max(from_axis_mm) < half_mm;
    Some(Arch { upper_jaw_mm, tooth })
}

/// Linear interpolation in a table of (place, value), constant beyond its ends.
fn lerp_table(table: &[(f32, f32)], x: f32) -> f32 {
    let mut last = table.first().map_or(0.0, |entry| entry.1);
    for pair in table.windows(2) {
        if let [(x0, y0), (x1, y1)] = *pair
            && x > x0
        {
            last = y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).min(1.0);
        }
    }
    last
}
