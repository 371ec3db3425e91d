// One slice or slab of one volume: pixel -> voxel -> number -> grey or colour. The scan is drawn first, then each layer
// over it in a pass of its own. Its twin on the CPU, pixel for pixel, is src/image/render.rs.
//
// `Number`, the type of the texture's numbers, is written in front of this file. What is chosen by constants is not in
// the program at all otherwise: software adapters run both sides of every branch.

// Keep in sync with `Variant` in src/gpu/programs.rs.
const NEAREST: u32 = 0u;
const LINEAR: u32 = 1u;
override interpolation: u32 = LINEAR;

const PLANE: u32 = 0u;
const MEAN: u32 = 1u;
const MAX: u32 = 2u;
const MIN: u32 = 3u;
const FARTHEST: u32 = 4u;
override through: u32 = PLANE;

const RAMP: u32 = 0u;
const SIGMOID: u32 = 1u;
const TABLE: u32 = 2u;
override voi: u32 = RAMP;

// Entries in a row of a window's table; keep in sync with `TABLE_WIDTH` in src/gpu/programs.rs.
const TABLE_WIDTH: i32 = 1024;
// Voxels by which single precision may be off: so far beyond the edges is still inside, and so little below the middle
// between two voxels is already the next one.
const SLACK: f32 = 1e-3;

// Keep in sync with `SliceUniform` in src/gpu/slice.rs.
struct Slice {
    // From pixels of the picture, and mm along the normal, to voxels of the texture.
    voxel_from_pixel: Affine,
    overlay: Overlay,
    // The outer edges of the volume, in voxels of the texture.
    low: vec3<f32>,
    // How many samples are taken through a slab, and where the first of them is; the last is as far behind the plane.
    samples: f32,
    high: vec3<f32>,
    first_mm: f32,
    // value = (number - centre) * factor + offset: of the scan the place in the window, of a layer the real value.
    // Exact for whole numbers, however far they are from 0.
    centre: f32,
    factor: f32,
    offset: f32,
    // The last entry of the window's table.
    last_entry: f32,
}

@group(0) @binding(0) var<uniform> slice: Slice;
@group(0) @binding(1) var volume: texture_3d<Number>;
// The greys of a window with a table, or the colours of a layer.
@group(0) @binding(2) var table: texture_2d<f32>;

fn number_at(voxel: vec3<i32>) -> f32 {
    return f32(textureLoad(volume, voxel, 0).r);
}

fn trilinear(voxel: vec3<f32>, last: vec3<i32>) -> f32 {
    let a = vec3<i32>(voxel);
    let b = min(a + 1, last);
    let f = voxel - vec3<f32>(a);
    let near_low = mix(number_at(a), number_at(vec3(b.x, a.y, a.z)), f.x);
    let near_high = mix(number_at(vec3(a.x, b.y, a.z)), number_at(vec3(b.x, b.y, a.z)), f.x);
    let far_low = mix(number_at(vec3(a.x, a.y, b.z)), number_at(vec3(b.x, a.y, b.z)), f.x);
    let far_high = mix(number_at(vec3(a.x, b.y, b.z)), number_at(b), f.x);
    return mix(mix(near_low, near_high, f.y), mix(far_low, far_high, f.y), f.z);
}

// The weights of four neighbours by Catmull and Rom, 1974; f is the way from the second to the third.
fn weights(f: f32) -> vec4<f32> {
    return vec4(
        f * (f * (1.0 - 0.5 * f) - 0.5),
        f * f * (1.5 * f - 2.5) + 1.0,
        f * (f * (2.0 - 1.5 * f) + 0.5),
        f * f * (0.5 * f - 0.5),
    );
}

fn tricubic(voxel: vec3<f32>, last: vec3<i32>) -> f32 {
    let a = vec3<i32>(voxel);
    let f = voxel - vec3<f32>(a);
    let x = clamp(vec4(a.x) + vec4(-1, 0, 1, 2), vec4(0), vec4(last.x));
    let wx = weights(f.x);
    // Indexed by the loops below.
    var wy = weights(f.y);
    var wz = weights(f.z);
    var sum = 0.0;
    for (var k = 0; k < 4; k++) {
        let z = clamp(a.z + k - 1, 0, last.z);
        for (var j = 0; j < 4; j++) {
            let y = clamp(a.y + j - 1, 0, last.y);
            let row = vec4(
                number_at(vec3(x.x, y, z)), number_at(vec3(x.y, y, z)),
                number_at(vec3(x.z, y, z)), number_at(vec3(x.w, y, z)));
            sum += dot(row, wx) * wy[j] * wz[k];
        }
    }
    return sum;
}

fn is_inside(voxel: vec3<f32>) -> bool {
    return all(voxel >= slice.low - SLACK) && all(voxel < slice.high + SLACK);
}

fn sample(voxel: vec3<f32>, size: vec3<f32>) -> f32 {
    let last = vec3<i32>(size) - 1;
    if interpolation == NEAREST {
        return number_at(clamp(vec3<i32>(floor(voxel + 0.5 + SLACK)), vec3(0), last));
    }
    let inside = clamp(voxel, vec3(0.0), size - 1.0);
    if interpolation == LINEAR {
        return trilinear(inside, last);
    }
    return tricubic(inside, last);
}

fn value_of(number: f32) -> f32 {
    return (number - slice.centre) * slice.factor + slice.offset;
}

struct Sampled {
    value: f32,
    is_inside: bool,
}

fn sampled(position: vec4<f32>) -> Sampled {
    let size = vec3<f32>(textureDimensions(volume));
    if through == PLANE {
        let voxel = transform(slice.voxel_from_pixel, vec3(position.xy, 0.0));
        return Sampled(value_of(sample(voxel, size)), is_inside(voxel));
    }
    let first = transform(slice.voxel_from_pixel, vec3(position.xy, slice.first_mm));
    let step_mm = -2.0 * slice.first_mm / (slice.samples - 1.0);
    let step = transform_vector(slice.voxel_from_pixel, vec3(0.0, 0.0, step_mm));
    // The depth of the triangle is 0. It is added because Mesa's software adapter compiles the program anew for each
    // value of a uniform that alone ends a loop.
    let samples = slice.samples + position.z;
    var number = 0.0;
    var count = 0.0;
    for (var i = 0.0; i < samples; i += 1.0) {
        let voxel = first + i * step;
        let next = sample(voxel, size);
        let within = is_inside(voxel);
        var taken = next;
        if through == MEAN {
            taken = number + next;
        } else if through == MAX {
            taken = select(next, max(number, next), count > 0.0);
        } else if through == MIN {
            taken = select(next, min(number, next), count > 0.0);
        } else {
            let kept = count > 0.0 && abs(value_of(number)) >= abs(value_of(next));
            taken = select(next, number, kept);
        }
        number = select(number, taken, within);
        count += select(0.0, 1.0, within);
    }
    if through == MEAN {
        number /= max(count, 1.0);
    }
    return Sampled(value_of(number), count > 0.0);
}

@fragment
fn fs_scan(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let at = sampled(position);
    var grey = clamp(at.value, 0.0, 1.0);
    if voi == SIGMOID {
        grey = 1.0 / (1.0 + exp(-4.0 * (at.value - 0.5)));
    } else if voi == TABLE {
        let entry = i32(floor(grey * slice.last_entry + 0.5));
        grey = textureLoad(table, vec2(entry % TABLE_WIDTH, entry / TABLE_WIDTH), 0).r;
    }
    return vec4(vec3(select(BACKGROUND, grey, at.is_inside)), 1.0);
}

@fragment
fn fs_layer(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let at = sampled(position);
    let colour = map_colour(table, slice.overlay, at.value);
    return select(vec4(0.0), colour, at.is_inside && is_visible(slice.overlay, at.value));
}
