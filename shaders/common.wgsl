// What every program shares: the screen-covering triangle, affine maps and colours.
// It is prepended to the other files of this folder.

// Whether the target stores linear light (an sRGB format); it counts only where a picture is shown (`to_target`). Colours
// are sRGB values, as everywhere in egui.
override linear_target: bool = false;

const BACKGROUND: f32 = 0.02;

// The three rows of an affine map; keep in sync with `Affine` in src/gpu/mod.rs.
struct Affine {
    x: vec4<f32>,
    y: vec4<f32>,
    z: vec4<f32>,
}

// How a map is coloured; keep in sync with `OverlayUniform` in src/gpu/mod.rs. Flags are 0 or 1.
struct Overlay {
    // Takes (value - low) to the position in the colour table.
    low: f32,
    inverse_span: f32,
    // Values below are not visible, nor are those that are not larger than `floor`.
    threshold: f32,
    floor: f32,
    // 0 when there is no map to show.
    opacity: f32,
    by_value: u32,
    // Whether negative values count as much as positive ones.
    is_signed: u32,
    // Row of the colour tables.
    row: u32,
}

fn transform(m: Affine, point: vec3<f32>) -> vec3<f32> {
    let p = vec4(point, 1.0);
    return vec3(dot(m.x, p), dot(m.y, p), dot(m.z, p));
}

fn transform_vector(m: Affine, v: vec3<f32>) -> vec3<f32> {
    return vec3(dot(m.x.xyz, v), dot(m.y.xyz, v), dot(m.z.xyz, v));
}

fn is_visible(overlay: Overlay, value: f32) -> bool {
    let size = select(value, abs(value), overlay.is_signed != 0u);
    return size >= overlay.threshold && size > overlay.floor;
}

// Colour and opacity of a visible value. The tables are rows of 256 sRGB colours.
fn map_colour(tables: texture_2d<f32>, overlay: Overlay, value: f32) -> vec4<f32> {
    let position = clamp((value - overlay.low) * overlay.inverse_span, 0.0, 1.0);
    let colour = textureLoad(tables, vec2(i32(floor(position * 255.0 + 0.5)), i32(overlay.row)), 0).rgb;
    let strength = select(position, abs(2.0 * position - 1.0), overlay.is_signed != 0u);
    return vec4(colour, overlay.opacity * select(1.0, strength, overlay.by_value != 0u));
}

fn to_target(srgb: vec3<f32>) -> vec4<f32> {
    if linear_target {
        let high = pow((srgb + 0.055) / 1.055, vec3(2.4));
        return vec4(select(high, srgb / 12.92, srgb <= vec3(0.04045)), 1.0);
    }
    return vec4(srgb, 1.0);
}

// The corners of one triangle around the whole viewport: (-1, -1), (3, -1), (-1, 3).
fn covering(index: u32) -> vec4<f32> {
    return vec4(f32(index & 1u) * 4.0 - 1.0, f32(index >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

@vertex
fn vs_cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    return covering(index);
}
