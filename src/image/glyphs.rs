//! The six orientation letters and a question mark as small bitmaps, for pictures that are drawn without a window and its fonts.

use crate::view::Picture;

/// Rows from top to bottom, five bits each, the leftmost highest.
const LETTERS: [(char, [u8; 7]); 7] = [
    ('R', [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001]),
    ('L', [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111]),
    ('A', [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    ('P', [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000]),
    ('S', [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110]),
    ('I', [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    ('?', [0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b00000, 0b00100]),
];

/// Pixels per bit.
const SCALE: usize = 2;

/// Draws letters in white, centred on a pixel; what lies outside the picture is left out, as are other characters.
pub fn draw(picture: &mut Picture, text: &str, [x, y]: [usize; 2]) {
    let width = 6 * SCALE;
    let start = x.saturating_sub(width * text.len() / 2);
    let top = y.saturating_sub(7 * SCALE / 2);
    for (place, letter) in text.chars().enumerate() {
        let Some((_, rows)) = LETTERS.iter().find(|(c, _)| *c == letter) else { continue };
        for (row, column) in (0..7 * SCALE).flat_map(|row| (0..5 * SCALE).map(move |column| (row, column))) {
            let on = rows[row / SCALE] >> (4 - column / SCALE) & 1 == 1;
            let (px, py) = (start + place * width + column, top + row);
            if on && px < picture.size[0] && py < picture.size[1] {
                let at = 4 * (px + picture.size[0] * py);
                picture.rgba[at..at + 4].copy_from_slice(&[255; 4]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_l_has_its_stroke_on_the_left_and_its_foot_below() {
        let mut picture = Picture { size: [20, 20], rgba: vec![0; 1600] };
        draw(&mut picture, "L", [10, 10]);
        let white = |x: usize, y: usize| picture.pixel(x, y) == Some([255; 4]);
        assert!(white(4, 3) && white(4, 16) && white(13, 16));
        assert!(!white(13, 3) && !white(13, 10));
        draw(&mut picture, "R!", [0, 19]);
    }
}
