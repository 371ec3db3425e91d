// What every program shares: the bindings, the screen-covering triangle, affine maps and colours.
// It is prepended to the other files of this folder.

// Whether the target stores linear light (an sRGB format). Colours here are sRGB values, as everywhere in egui.
override linear_target: bool = false;

// Group 0, binding 0 is the program's own uniform struct.
// Scan and map in their exact numbers, to be loaded and interpolated by hand.
@group(1) @binding(0) var scan_exact: texture_3d<f32>;
@group(1) @binding(1) var map_exact: texture_3d<f32>;
// One row of 256 sRGB colours per colour map.
@group(1) @binding(2) var colour_tables: texture_2d<f32>;
// Scan and map normalised to 0..1 for the ray-caster, which filters in hardware.
@group(1) @binding(3) var scan_soft: texture_3d<f32>;
@group(1) @binding(4) var map_soft: texture_3d<f32>;
// The largest normalised value that interpolation can give within each block of BLOCK voxels cubed.
@group(1) @binding(5) var scan_blocks: texture_3d<f32>;
@group(1) @binding(6) var map_blocks: texture_3d<f32>;
@group(1) @binding(7) var filtering: sampler;

const BACKGROUND: f32 = 0.02;

// The three rows of an affine map; keep in sync with `Affine` in src/gpu/mod.rs.
struct Affine {
    x: vec4<f32>,
    y: vec4<f32>,
    z: vec4<f32>,
}

// How the map is coloured; keep in sync with `OverlayUniform` in src/gpu/mod.rs.
struct Overlay {
    // Real value from which the map is visible.
    threshold: f32,
    // Takes (value - threshold) to the position in the colour table.
    inverse_span: f32,
    // 0 when there is no map to show.
    opacity: f32,
    // Row of `colour_tables`.
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
    return value >= overlay.threshold && value > 0.0;
}

fn map_colour(overlay: Overlay, value: f32) -> vec3<f32> {
    let position = clamp((value - overlay.threshold) * overlay.inverse_span, 0.0, 1.0);
    return textureLoad(colour_tables, vec2(i32(floor(position * 255.0 + 0.5)), i32(overlay.row)), 0).rgb;
}

fn to_target(srgb: vec3<f32>) -> vec4<f32> {
    if linear_target {
        let high = pow((srgb + 0.055) / 1.055, vec3(2.4));
        return vec4(select(high, srgb / 12.92, srgb <= vec3(0.04045)), 1.0);
    }
    return vec4(srgb, 1.0);
}

@vertex
fn vs_cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    // One triangle around the whole viewport: (-1, -1), (3, -1), (-1, 3).
    return vec4(f32(index & 1u) * 4.0 - 1.0, f32(index >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}
