//! Figures: the panes as they are on the screen, without marks under the mouse and with the research notice in them.

use super::lettering::shaded_text;
use super::theme;
use crate::app::command::Command;
use crate::app::shell::{Destination, Figure, ShellCommand, Taken};
use crate::app::state::{Pane, State};
use crate::view::Picture;
use egui::{Align2, ColorImage, Context, FontId, Rect, ScreenshotCallback, Ui, ViewportCommand, vec2};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};

/// What is on its way from the screen.
#[derive(Default)]
pub(super) struct Camera {
    coming: Option<Coming>,
}

/// A picture of the screen that was asked for.
struct Coming {
    screen: Receiver<Arc<ColorImage>>,
    /// The part that is wanted.
    area: Rect,
    /// When it was asked for, by egui's clock.
    asked_secs: f64,
}

/// The window has no mouse while a figure is awaited: one that has not come after so long is given up.
const PATIENCE_SECS: f64 = 2.0;

impl Camera {
    /// Asks for the screen when a figure was asked for, and hands on what has come. Called after the panes are drawn.
    pub fn follow(&mut self, ctx: &Context, state: &State, panes: &[(Pane, Rect)]) -> Option<Command> {
        let figure = state.shell.figure?;
        let now_secs = ctx.input(|input| input.time);
        let Some(Coming { screen, area: rect, asked_secs }) = &self.coming else {
            let (send, receive) = mpsc::channel();
            let waker = ctx.clone();
            let callback = ScreenshotCallback::new(move |image| {
                // Nobody listens any more when the window is being closed.
                let _ = send.send(image);
                waker.request_repaint();
            });
            ctx.send_viewport_cmd(ViewportCommand::Screenshot(callback));
            // The frame that is read is this one or the next.
            ctx.request_repaint();
            self.coming = Some(Coming { screen: receive, area: area(figure, panes), asked_secs: now_secs });
            return None;
        };
        let picture = match screen.try_recv() {
            Ok(image) => cropped(&image, *rect, ctx.pixels_per_point()),
            Err(TryRecvError::Empty) if now_secs - asked_secs < PATIENCE_SECS => {
                ctx.request_repaint_after_secs((PATIENCE_SECS - (now_secs - asked_secs)) as f32);
                return None;
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        };
        self.coming = None;
        let taken = match (picture, figure.to) {
            (Some(picture), Destination::Clipboard) => {
                ctx.copy_image(ColorImage::from_rgba_unmultiplied(picture.size, &picture.rgba));
                Taken::Copied
            }
            (Some(picture), Destination::File) => Taken::Picture(Arc::new(picture)),
            (None, _) => Taken::Failed,
        };
        Some(Command::Shell(ShellCommand::FigureTaken(taken)))
    }
}

/// Where on the screen a figure is.
fn area(figure: Figure, panes: &[(Pane, Rect)]) -> Rect {
    let around =
        |panes: &mut dyn Iterator<Item = &(Pane, Rect)>| panes.fold(Rect::NOTHING, |all, (_, rect)| all.union(*rect));
    let mut meant = panes.iter().filter(|(pane, _)| figure.pane.is_none_or(|one| one == *pane));
    let mut others = panes.iter().filter(|(pane, _)| figure.pane.is_some_and(|one| one != *pane));
    let first = meant.clone().next().map(|(_, rect)| *rect);
    let all = around(&mut meant);
    match first {
        // Beside a second scan a pane is there twice; with another one between the two, the first alone is meant.
        Some(first) if others.any(|(_, other)| other.shrink(1.0).intersects(all)) => first,
        Some(_) => all,
        // A pane that the layout does not show: what it does show.
        None => around(&mut panes.iter()),
    }
}

/// The part of the screen that lies in a rectangle of points.
fn cropped(image: &ColorImage, rect: Rect, pixels_per_point: f32) -> Option<Picture> {
    let [columns, rows] = image.size;
    let at = |point: f32, limit: usize| ((point * pixels_per_point).round().max(0.0) as usize).min(limit);
    let (left, right) = (at(rect.left(), columns), at(rect.right(), columns));
    let (top, bottom) = (at(rect.top(), rows), at(rect.bottom(), rows));
    if left >= right || top >= bottom {
        return None;
    }
    let lines = image.pixels.chunks_exact(columns).take(bottom).skip(top);
    let rgba = lines.filter_map(|line| line.get(left..right)).flatten().flat_map(|pixel| {
        let [red, green, blue, _] = pixel.to_array();
        [red, green, blue, u8::MAX]
    });
    Some(Picture { size: [right - left, bottom - top], rgba: rgba.collect() })
}

/// Writes the research notice into the figure, while one is being taken.
pub(super) fn notice_ui(ui: &Ui, state: &State, panes: &[(Pane, Rect)]) {
    let Some(figure) = state.shell.figure else { return };
    let rect = area(figure, panes);
    let font = FontId::proportional(if rect.width() < 260.0 { 9.0 } else { 11.0 });
    let at = rect.left_bottom() + vec2(7.0, -24.0);
    shaded_text(ui, at, Align2::LEFT_BOTTOM, crate::NOTICE, font, theme::NOTICE);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::space::Plane;
    use egui::{Color32, RawInput, pos2};

    /// Red grows to the right, green downwards.
    fn screen() -> ColorImage {
        let pixels = (0..60).map(|n| Color32::from_rgb(n % 10, n / 10, 0)).collect();
        ColorImage::new([10, 6], pixels)
    }

    #[test]
    fn the_part_of_the_screen_is_neither_mirrored_nor_shifted() {
        let rect = Rect::from_min_max(pos2(1.0, 1.0), pos2(3.0, 2.0));
        let picture = cropped(&screen(), rect, 2.0).unwrap();
        assert_eq!(picture.size, [4, 2]);
        assert_eq!((picture.pixel(0, 0), picture.pixel(3, 1)), (Some([2, 2, 0, 255]), Some([5, 3, 0, 255])));
        assert_eq!(cropped(&screen(), Rect::NOTHING, 2.0), None);
        let beyond = Rect::from_min_max(pos2(-5.0, 0.0), pos2(99.0, 99.0));
        assert_eq!(cropped(&screen(), beyond, 1.0).unwrap().size, [10, 6]);
    }

    #[test]
    fn a_figure_that_never_comes_is_given_up() {
        let ctx = Context::default();
        let mut state = State::default();
        state.shell.figure = Some(Figure { pane: None, to: Destination::Clipboard });
        let mut camera = Camera::default();
        // What a frame asks for is kept, and with it the promise of a picture.
        let mut promised = Vec::new();
        let mut at = |time: f64| {
            let mut command = None;
            let input = RawInput { time: Some(time), ..RawInput::default() };
            promised.push(ctx.run_ui(input, |ui| command = camera.follow(ui.ctx(), &state, &[])));
            command
        };
        assert_eq!((at(10.0).is_none(), at(11.9).is_none()), (true, true));
        assert!(matches!(at(12.1), Some(Command::Shell(ShellCommand::FigureTaken(Taken::Failed)))));
    }

    #[test]
    fn a_figure_is_of_its_pane_or_of_all() {
        let place = |x: f32| Rect::from_min_size(pos2(x, 0.0), vec2(10.0, 10.0));
        let panes = [(Pane::Plane(Plane::Axial), place(0.0)), (Pane::Volume, place(11.0))];
        let figure = |pane| Figure { pane, to: Destination::File };
        assert_eq!(area(figure(Some(Pane::Volume)), &panes), place(11.0));
        assert_eq!(area(figure(None), &panes).width(), 21.0);
        assert_eq!(area(figure(Some(Pane::Plane(Plane::Coronal))), &panes).width(), 21.0);
        // Both scans: two planes of the first, then the same of the second.
        let planes = [Plane::Axial, Plane::Coronal].map(Pane::Plane);
        let apart: Vec<_> = (0..4).map(|n: u8| (planes[usize::from(n % 2)], place(11.0 * f32::from(n)))).collect();
        assert_eq!(area(figure(Some(planes[1])), &apart), place(11.0));
        let together = [(planes[0], place(0.0)), (planes[0], place(11.0)), (planes[1], place(22.0))];
        assert_eq!(area(figure(Some(planes[0])), &together).width(), 21.0);
    }
}
