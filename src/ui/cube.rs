//! The orientation cube in a corner of the 3-D pane: it turns with the head, and a click on a face looks from there.

use super::lettering::orientation_known;
use super::theme;
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::volume::VolumeCommand;
use crate::space::{Plane, letters};
use crate::view::OrbitCamera;
use egui::{Align2, FontId, Id, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, vec2};
use glam::DVec3;

/// The sides one can look from, and what they are called.
pub(super) const SIDES: [(DVec3, &str); 6] = [
    (DVec3::Y, "the front"),
    (DVec3::NEG_Y, "behind"),
    (DVec3::X, "the patient's right"),
    (DVec3::NEG_X, "the patient's left"),
    (DVec3::Z, "above"),
    (DVec3::NEG_Z, "below"),
];

/// Points from corner to corner of the place where the cube turns.
const SIZE: f32 = 64.0;

/// A face that is seen.
struct Face {
    from: DVec3,
    name: &'static str,
    /// How squarely it is seen, to 1.
    facing: f64,
    corners: [Pos2; 4],
}

/// Draws the cube into the lower left corner of the pane.
pub(super) fn ui(ui: &Ui, state: &State, pane: Rect, camera: &OrbitCamera, commands: &mut Vec<Command>) {
    let rect = Rect::from_min_size(pane.left_bottom() + vec2(8.0, -8.0 - SIZE), vec2(SIZE, SIZE));
    let known = orientation_known(state);
    let response = ui.interact(rect, Id::unique("orientation cube"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "orientation cube"));
    let pointer = response.hover_pos();
    let faces = faces(rect.center(), camera);
    let under = |face: &&Face| pointer.is_some_and(|at| is_inside(&face.corners, at));
    let hovered = faces.iter().find(under).map(|face| face.from);
    let painter = ui.painter();
    for face in &faces {
        let plane = Plane::ALL.into_iter().find(|plane| plane.normal() == face.from.abs()).unwrap_or(Plane::Axial);
        let colour = theme::plane_colour(plane);
        let strength = if hovered == Some(face.from) { 0.75 } else { 0.2 + 0.25 * face.facing as f32 };
        let fill = theme::BACKGROUND.lerp_to_gamma(colour, strength);
        painter.add(Shape::convex_polygon(face.corners.to_vec(), fill, Stroke::new(1.0, colour.gamma_multiply(0.8))));
        if face.facing > 0.3 {
            let letter = if known { letters(face.from) } else { "?".to_owned() };
            let centre = face.corners[0].lerp(face.corners[2], 0.5);
            let font = FontId::proportional(10.0 + 5.0 * face.facing as f32);
            painter.text(centre, Align2::CENTER_CENTER, letter, font, theme::STRONG);
        }
    }
    let Some(face) = faces.iter().find(under) else { return };
    if response.clicked() {
        commands.push(Command::Volume(VolumeCommand::LookFrom(face.from)));
    }
    if known {
        response.on_hover_text(format!("Look from {}", face.name));
    }
}

/// The faces that are seen, at most three.
fn faces(centre: Pos2, camera: &OrbitCamera) -> Vec<Face> {
    let [right, down, forward] = camera.axes();
    // The corners of a cube reach the root of 3 from its middle.
    let half = f64::from(SIZE) / 2.0 / 3.0_f64.sqrt();
    let on_screen = |p: DVec3| centre + vec2((p.dot(right) * half) as f32, (p.dot(down) * half) as f32);
    let seen = SIDES.into_iter().filter_map(|(from, name)| {
        let facing = -from.dot(forward);
        let across = DVec3::new(from.z, from.x, from.y);
        let up = from.cross(across);
        let corners = [across + up, across - up, -across - up, up - across].map(|corner| on_screen(from + corner));
        (facing > 1e-6).then_some(Face { from, name, facing, corners })
    });
    seen.collect()
}

/// Whether a point lies within a convex polygon, whichever way round its corners go.
fn is_inside(corners: &[Pos2; 4], at: Pos2) -> bool {
    let side = |n: usize| {
        let (a, b) = (corners[n], corners[(n + 1) % 4]);
        (b - a).rot90().dot(at - a)
    };
    let sides = [0, 1, 2, 3].map(side);
    sides.iter().all(|&s| s >= 0.0) || sides.iter().all(|&s| s <= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn from_the_front_one_sees_the_front_with_patient_left_on_the_right() {
        let camera = |yaw, pitch| OrbitCamera { yaw, pitch, centre_mm: DVec3::ZERO, mm_per_point: 1.0 };
        let centre = pos2(50.0, 50.0);
        let front = faces(centre, &camera(0.0, 0.0));
        assert_eq!(front.iter().map(|face| face.from).collect::<Vec<_>>(), [DVec3::Y]);
        assert!(is_inside(&front[0].corners, pos2(60.0, 40.0)) && !is_inside(&front[0].corners, pos2(80.0, 50.0)));
        // Turned as on opening, three faces are seen, which do not overlap.
        let three = faces(centre, &camera(0.5, 0.3));
        assert_eq!(three.len(), 3);
        let middle = |face: &Face| face.corners[0].lerp(face.corners[2], 0.5);
        for face in &three {
            let at = middle(face);
            assert_eq!(three.iter().filter(|face| is_inside(&face.corners, at)).count(), 1, "{}", face.name);
            assert_eq!(face.from == DVec3::X, at.x < centre.x - 5.0, "patient right is seen on the left");
        }
    }
}
