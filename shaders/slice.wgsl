// One slice: screen pixel -> voxel -> number -> window -> grey, and the anomaly map on top.
// Its twin on the CPU, pixel for pixel, is src/image/render.rs.

// Keep in sync with `SliceUniform` in src/gpu/slice.rs.
struct Slice {
    // From physical screen pixels (z = 0) to voxels of the textures.
    scan_from_pixel: Affine,
    map_from_pixel: Affine,
    overlay: Overlay,
    // grey = (number - grey_centre) * grey_factor + 0.5: exact for whole numbers, however far they are from 0.
    grey_centre: f32,
    grey_factor: f32,
    // From the map's numbers to its real values.
    map_slope: f32,
    map_intercept: f32,
    // 1: trilinear, 0: nearest voxel.
    linear: u32,
    // 1: the texture holds the low and the high byte of whole numbers; 0: the number itself.
    scan_is_bytes: u32,
    map_is_bytes: u32,
    _padding: u32,
}

@group(0) @binding(0) var<uniform> slice: Slice;
// Scan and map in their exact numbers, to be loaded and interpolated by hand.
@group(1) @binding(0) var scan_exact: texture_3d<f32>;
@group(1) @binding(1) var map_exact: texture_3d<f32>;
@group(1) @binding(2) var colour_tables: texture_2d<f32>;

fn number_at(volume: texture_3d<f32>, voxel: vec3<i32>, is_bytes: u32) -> f32 {
    let texel = textureLoad(volume, voxel, 0).rg;
    let bytes = round(texel * 255.0);
    return select(texel.x, bytes.x + 256.0 * bytes.y, is_bytes != 0u);
}

fn trilinear(volume: texture_3d<f32>, voxel: vec3<f32>, is_bytes: u32) -> f32 {
    let last = vec3<i32>(textureDimensions(volume)) - 1;
    let inside = clamp(voxel, vec3(0.0), vec3<f32>(last));
    let a = vec3<i32>(inside);
    let b = min(a + 1, last);
    let f = inside - vec3<f32>(a);
    let near_low = mix(number_at(volume, a, is_bytes), number_at(volume, vec3(b.x, a.y, a.z), is_bytes), f.x);
    let near_high = mix(
        number_at(volume, vec3(a.x, b.y, a.z), is_bytes), number_at(volume, vec3(b.x, b.y, a.z), is_bytes), f.x);
    let far_low = mix(
        number_at(volume, vec3(a.x, a.y, b.z), is_bytes), number_at(volume, vec3(b.x, a.y, b.z), is_bytes), f.x);
    let far_high = mix(number_at(volume, vec3(a.x, b.y, b.z), is_bytes), number_at(volume, b, is_bytes), f.x);
    return mix(mix(near_low, near_high, f.y), mix(far_low, far_high, f.y), f.z);
}

fn is_inside(volume: texture_3d<f32>, voxel: vec3<f32>) -> bool {
    let size = vec3<f32>(textureDimensions(volume));
    return all(voxel >= vec3(-0.5)) && all(voxel < size - 0.5);
}

fn scan_colour(pixel: vec3<f32>) -> vec3<f32> {
    let voxel = transform(slice.scan_from_pixel, pixel);
    // At a whole position, interpolation gives that voxel alone.
    let position = select(floor(voxel + 0.5), voxel, slice.linear != 0u);
    let number = trilinear(scan_exact, position, slice.scan_is_bytes);
    let grey = clamp((number - slice.grey_centre) * slice.grey_factor + 0.5, 0.0, 1.0);
    return vec3(select(BACKGROUND, grey, is_inside(scan_exact, voxel)));
}

@fragment
fn fs_slice(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    return to_target(scan_colour(vec3(position.xy, 0.0)));
}

// A program of its own, because software adapters run both sides of every branch.
@fragment
fn fs_slice_with_map(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let pixel = vec3(position.xy, 0.0);
    var colour = scan_colour(pixel);
    let voxel = transform(slice.map_from_pixel, pixel);
    let value = slice.map_slope * trilinear(map_exact, voxel, slice.map_is_bytes) + slice.map_intercept;
    if is_inside(map_exact, voxel) && is_visible(slice.overlay, value) {
        let tint = map_colour(colour_tables, slice.overlay, value);
        colour = mix(colour, tint.rgb, tint.a);
    }
    return to_target(colour);
}
