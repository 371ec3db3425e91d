//! Runs of a comparison as a picture: AUROC and AUPRC over the share of the labels, a curve for each beginning, as in
//! Fig. 3 of paper 1.

use super::percent;
use super::tables::{Mean, Row};
use std::fmt::Write as _;

/// Colours that colour-blind readers tell apart (Okabe and Ito 2008), and grey.
const COLOURS: [&str; 9] =
    ["#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#f0e442"];
/// Of the area that the curves of a panel fill: top, width, height.
const AREA: [f64; 3] = [20.0, 380.0, 300.0];
/// Where the areas of the panels begin, and then the legend.
const LEFT: [f64; 3] = [56.0, 506.0, 906.0];
/// Points of the curves lie beside each other, so that their intervals can be told apart.
const BESIDE: f64 = 5.0;

/// Means as points, 95 % confidence intervals as bars, cut off where the axis ends.
pub(super) fn svg(rows: &[Row<'_>]) -> String {
    let mut methods: Vec<&str> = Vec::new();
    let mut fractions: Vec<f64> = Vec::new();
    for row in rows {
        if !methods.contains(&row.method) {
            methods.push(row.method);
        }
        if !fractions.contains(&row.fraction) {
            fractions.push(row.fraction);
        }
    }
    fractions.sort_by(f64::total_cmp);
    let [top, _, height] = AREA;
    let tall = (top + height).max(top + 22.0 * methods.len() as f64) + 60.0;
    let wide = LEFT[2] + 230.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {tall}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"{wide}\" height=\"{tall}\" fill=\"white\"/>\n"
    );
    let panel = |title, figure, left| Panel { rows, methods: &methods, fractions: &fractions, title, figure, left };
    panel("AUROC", |row| row.auroc, LEFT[0]).draw(&mut svg);
    panel("AUPRC", |row| row.auprc, LEFT[1]).draw(&mut svg);
    for (number, method) in methods.iter().enumerate() {
        let (x, y) = (LEFT[2], top + 12.0 + 22.0 * number as f64);
        let _ = writeln!(svg, "<path d=\"M{x} {:.1}h22\" stroke=\"{}\" stroke-width=\"3\"/>", y - 4.5, colour(number));
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{y}\">{method}</text>", x + 30.0);
    }
    svg.push_str("</svg>\n");
    svg
}

fn colour(method: usize) -> &'static str {
    COLOURS[method % COLOURS.len()]
}

/// The curves of one figure.
struct Panel<'a> {
    rows: &'a [Row<'a>],
    methods: &'a [&'a str],
    /// Ascending.
    fractions: &'a [f64],
    title: &'a str,
    figure: fn(&Row<'_>) -> Mean,
    left: f64,
}

impl Panel<'_> {
    fn draw(&self, svg: &mut String) {
        let Self { rows, methods, fractions, title, figure, left } = *self;
        let [top, width, height] = AREA;
        let lowest = rows.iter().filter_map(|row| Some(figure(row)?.0)).fold(0.95, f64::min);
        // Half a step of the axis or more to spare below the lowest mean.
        let low = ((lowest * 10.0 - 0.5).floor() / 10.0).max(0.0);
        let x = |fraction: f64, method: usize| {
            let place = fractions.iter().position(|f| *f == fraction).unwrap_or(0) as f64 + 0.5;
            left + width * place / fractions.len().max(1) as f64
                + BESIDE * (method as f64 - (methods.len() as f64 - 1.0) / 2.0)
        };
        let y = |value: f64| top + height * (1.0 - (value.clamp(low, 1.0) - low) / (1.0 - low));
        let (right, bottom) = (left + width, top + height);
        let steps = ((1.0 - low) * 10.0).round() as usize;
        for value in (0..=steps).map(|step| low + step as f64 / 10.0) {
            let (y, beside) = (y(value), left - 8.0);
            let _ = writeln!(svg, "<path d=\"M{left} {y:.1}H{right}\" stroke=\"#ddd\"/>");
            let _ = writeln!(svg, "<text x=\"{beside:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.1}</text>", y + 4.5);
        }
        for fraction in fractions {
            let middle = x(*fraction, 0).midpoint(x(*fraction, methods.len().max(1) - 1));
            let (percent, below) = (percent(*fraction), bottom + 20.0);
            let _ = writeln!(svg, "<text x=\"{middle:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{percent} %</text>");
        }
        let (middle, below) = (left + width / 2.0, bottom + 44.0);
        let _ = writeln!(svg, "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">share of the labels</text>");
        let (beside, middle) = (left - 40.0, top + height / 2.0);
        let _ = writeln!(
            svg,
            "<text transform=\"translate({beside} {middle}) rotate(-90)\" text-anchor=\"middle\">{title}</text>"
        );
        for (number, method) in methods.iter().enumerate() {
            let colour = colour(number);
            let mut of: Vec<_> = rows.iter().filter(|row| row.method == *method).collect();
            of.sort_by(|a, b| a.fraction.total_cmp(&b.fraction));
            let mut line = String::new();
            for row in of {
                let Some((mean, half)) = figure(row) else { continue };
                let (x, y_mean) = (x(row.fraction, number), y(mean));
                line.push_str(if line.is_empty() { "M" } else { "L" });
                let _ = write!(line, "{x:.1} {y_mean:.1}");
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y_mean:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
                if let Some(half) = half {
                    let (from, to) = (y(mean - half), y(mean + half));
                    let _ = writeln!(svg, "<path d=\"M{x:.1} {from:.1}V{to:.1}\" stroke=\"{colour}\"/>");
                }
            }
            let _ = writeln!(svg, "<path d=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::{rows, tests::run};
    use super::*;

    #[test]
    fn a_better_beginning_lies_higher_and_each_has_its_colour() {
        let runs = [run("none", 0, 0.6), run("none", 1, 0.62), run("dae", 0, 0.9), run("dae", 1, 0.92)];
        let svg = svg(&rows(&runs));
        let heights = svg.lines().filter(|line| line.starts_with("<circle")).map(|line| {
            let from = line.find("cy=\"").map_or(0, |at| at + 4);
            line[from..].split('"').next().and_then(|y| y.parse::<f64>().ok())
        });
        let heights: Vec<_> = heights.collect();
        // Both figures of both beginnings; the second is the same in these runs.
        assert!(heights.len() == 4 && heights[1] < heights[0] && heights[2] == heights[3], "{svg}");
        assert!(svg.contains(">AUROC</text>") && svg.contains(">AUPRC</text>"), "{svg}");
        assert!(svg.contains(">none</text>") && svg.contains(COLOURS[1]), "{svg}");
    }
}
