// The 3-D pane: orthographic rays, front to back, through the scan; the anomaly map glows through the tissue.
// `fs_raycast` draws into an offscreen picture, `fs_show` puts that picture on the screen.

// Keep in sync with `RaycastUniform` in src/gpu/raycast.rs.
struct Raycast {
    // From view coordinates to voxels of the textures and to the world. View coordinates are
    // (x, y) in offscreen pixels and the depth in mm.
    scan_from_view: Affine,
    map_from_view: Affine,
    world_from_view: Affine,
    overlay: Overlay,
    // World box outside of which nothing is drawn, in mm.
    clip_min: vec3<f32>,
    // Distance between samples along a ray in mm.
    step_mm: f32,
    clip_max: vec3<f32>,
    map_step_mm: f32,
    // Where the offscreen picture lies on the screen, in physical pixels.
    screen_origin: vec2<f32>,
    screen_size: vec2<f32>,
    // grey = normalised * grey_factor + grey_offset
    grey_factor: f32,
    grey_offset: f32,
    // From the map's normalised values to real ones.
    map_slope: f32,
    map_intercept: f32,
    // How far apart samples for a gradient lie, in offscreen pixels (x, y) and in mm (z).
    gradient_pixels: f32,
    gradient_mm: f32,
    _padding: vec2<f32>,
}

@group(0) @binding(0) var<uniform> ray: Raycast;
@group(0) @binding(1) var filtering: sampler;
@group(0) @binding(2) var colour_tables: texture_2d<f32>;
// Scan and map normalised to 0..1.
@group(0) @binding(3) var scan_soft: texture_3d<f32>;
@group(0) @binding(4) var map_soft: texture_3d<f32>;
// The largest normalised value that interpolation can give within each block of BLOCK voxels cubed.
@group(0) @binding(5) var scan_blocks: texture_3d<f32>;
@group(0) @binding(6) var map_blocks: texture_3d<f32>;
@group(1) @binding(0) var offscreen: texture_2d<f32>;

// Voxels per side of a block; keep in sync with `BLOCK` in src/gpu/textures.rs.
const BLOCK: f32 = 8.0;
const MAX_STEPS: i32 = 4096;
const FAR_MM: f32 = 1e6;
// Opacity of white tissue per mm of depth.
const DENSITY_PER_MM: f32 = 1.6;
// Greys up to this are clear: noise in air would otherwise fog the view.
const CLEAR_GREY: f32 = 0.06;
// Rays end when they are this opaque, and leave out samples that would add less than this.
const OPAQUE: f32 = 0.98;
const NEGLIGIBLE: f32 = 0.004;
// The light comes from the viewer, a little from above and from the left.
const TO_LIGHT: vec3<f32> = vec3(-0.30, -0.42, -0.857);

// Depths at which a ray enters and leaves a box.
fn intersect(origin: vec3<f32>, direction: vec3<f32>, low: vec3<f32>, high: vec3<f32>) -> vec2<f32> {
    // A ray along an axis has zeros in its direction; a tiny number keeps the quotients finite and right.
    let safe = select(direction, vec3(1e-9), abs(direction) < vec3(1e-9));
    let a = (low - origin) / safe;
    let b = (high - origin) / safe;
    let enter = min(a, b);
    let leave = max(a, b);
    return vec2(max(max(enter.x, enter.y), max(enter.z, -FAR_MM)), min(min(leave.x, leave.y), min(leave.z, FAR_MM)));
}

fn clip(origin: vec3<f32>, direction: vec3<f32>, size: vec3<f32>, pixel: vec2<f32>) -> vec2<f32> {
    let volume = intersect(origin, direction, vec3(-0.5), size - 0.5);
    let world_origin = transform(ray.world_from_view, vec3(pixel, 0.0));
    let world_direction = transform_vector(ray.world_from_view, vec3(0.0, 0.0, 1.0));
    let box = intersect(world_origin, world_direction, ray.clip_min, ray.clip_max);
    return vec2(max(volume.x, box.x), min(volume.y, box.y));
}

// The depth behind the block around `voxel`, on the raster of `step_mm` that `depth` is on.
fn skip(voxel: vec3<f32>, direction: vec3<f32>, depth: f32, step_mm: f32) -> f32 {
    let low = floor((voxel + 0.5) / BLOCK) * BLOCK - 0.5;
    let leave = intersect(voxel, direction, low, low + BLOCK).y;
    return depth + max(ceil(leave / step_mm), 1.0) * step_mm;
}

// Gradient in view directions (right, down, forward) from four samples at the corners of a tetrahedron.
fn gradient(volume: texture_3d<f32>, from_view: Affine, voxel: vec3<f32>) -> vec3<f32> {
    let size = vec3<f32>(textureDimensions(volume));
    let reach = vec3(vec2(ray.gradient_pixels), ray.gradient_mm);
    let k0 = vec3(1.0, -1.0, -1.0);
    let k1 = vec3(-1.0, -1.0, 1.0);
    let k2 = vec3(-1.0, 1.0, -1.0);
    let k3 = vec3(1.0, 1.0, 1.0);
    let centre = voxel + 0.5;
    let g = k0 * textureSampleLevel(volume, filtering, (centre + transform_vector(from_view, k0 * reach)) / size, 0.0).r
        + k1 * textureSampleLevel(volume, filtering, (centre + transform_vector(from_view, k1 * reach)) / size, 0.0).r
        + k2 * textureSampleLevel(volume, filtering, (centre + transform_vector(from_view, k2 * reach)) / size, 0.0).r
        + k3 * textureSampleLevel(volume, filtering, (centre + transform_vector(from_view, k3 * reach)) / size, 0.0).r;
    return g * 0.25;
}

// How bright a surface is that faces down a gradient of greys. Where these are even, there is no surface to light.
fn light(slope: vec3<f32>) -> f32 {
    let steepness = length(slope);
    let facing = max(dot(-slope / max(steepness, 1e-6), TO_LIGHT), 0.0);
    return mix(0.75, 0.25 + 0.75 * facing, smoothstep(0.005, 0.05, steepness));
}

// What a ray meets of the map.
struct MapHit {
    // Largest real value along the ray; 0 where the map is not visible.
    peak: f32,
    // Where the map first becomes visible.
    depth: f32,
}

fn march_map(pixel: vec2<f32>, origin: vec3<f32>, direction: vec3<f32>) -> MapHit {
    var hit = MapHit(0.0, FAR_MM);
    let size = vec3<f32>(textureDimensions(map_soft));
    let last_block = vec3<i32>(textureDimensions(map_blocks)) - 1;
    // Nothing to march through without a map. No branch, as Mesa's software adapter compiles the program anew for each
    // value of a uniform that a branch depends on.
    let depths = select(vec2(FAR_MM, -FAR_MM), clip(origin, direction, size, pixel), ray.overlay.opacity > 0.0);
    var depth = depths.x;
    for (var i = 0; i < MAX_STEPS && depth < depths.y; i++) {
        let voxel = origin + depth * direction;
        let block = clamp(vec3<i32>((voxel + 0.5) / BLOCK), vec3(0), last_block);
        let highest = textureLoad(map_blocks, block, 0).r * ray.map_slope + ray.map_intercept;
        if is_visible(ray.overlay, highest) && highest > hit.peak {
            let normalised = textureSampleLevel(map_soft, filtering, (voxel + 0.5) / size, 0.0).r;
            let value = normalised * ray.map_slope + ray.map_intercept;
            if is_visible(ray.overlay, value) {
                hit.peak = max(hit.peak, value);
                hit.depth = min(hit.depth, depth);
            }
            depth += ray.map_step_mm;
        } else {
            depth = skip(voxel, direction, depth, ray.map_step_mm);
        }
    }
    return hit;
}

struct Tissue {
    colour: vec3<f32>,
    // How much light gets through all of it, and through what lies in front of the map.
    clear: f32,
    clear_to_map: f32,
}

fn march_tissue(pixel: vec2<f32>, map_depth: f32) -> Tissue {
    var tissue = Tissue(vec3(0.0), 1.0, 1.0);
    let size = vec3<f32>(textureDimensions(scan_soft));
    let last_block = vec3<i32>(textureDimensions(scan_blocks)) - 1;
    let origin = transform(ray.scan_from_view, vec3(pixel, 0.0));
    let direction = transform_vector(ray.scan_from_view, vec3(0.0, 0.0, 1.0));
    let depths = clip(origin, direction, size, pixel);
    // A different start for neighbouring rays turns rings into fine noise (Jimenez 2014, interleaved gradient noise).
    let noise = fract(52.9829189 * fract(dot(pixel, vec2(0.06711056, 0.00583715))));
    var depth = depths.x + noise * ray.step_mm;
    var budget = MAX_STEPS;
    while depth < depths.y && tissue.clear > 1.0 - OPAQUE && budget > 0 {
        // First on to the next sample worth shading. This loop is short, as software adapters always run the whole
        // body of a loop and both sides of a branch.
        var voxel = vec3(0.0);
        var grey = 0.0;
        var opacity = 0.0;
        while depth < depths.y && budget > 0 {
            budget -= 1;
            voxel = origin + depth * direction;
            let block = clamp(vec3<i32>((voxel + 0.5) / BLOCK), vec3(0), last_block);
            let brightest = textureLoad(scan_blocks, block, 0).r * ray.grey_factor + ray.grey_offset;
            if brightest > CLEAR_GREY {
                let normalised = textureSampleLevel(scan_soft, filtering, (voxel + 0.5) / size, 0.0).r;
                grey = clamp(normalised * ray.grey_factor + ray.grey_offset, 0.0, 1.0);
                opacity = 1.0 - exp(-DENSITY_PER_MM * ray.step_mm * smoothstep(CLEAR_GREY, 1.0, grey));
                if opacity * tissue.clear > NEGLIGIBLE {
                    break;
                }
                depth += ray.step_mm;
            } else {
                depth = skip(voxel, direction, depth, ray.step_mm);
            }
        }
        if depth < depths.y {
            let slope = gradient(scan_soft, ray.scan_from_view, voxel) * ray.grey_factor;
            tissue.colour += tissue.clear * opacity * light(slope) * (0.35 + 0.65 * grey) * vec3(1.0, 0.97, 0.93);
            tissue.clear *= 1.0 - opacity;
            tissue.clear_to_map = select(tissue.clear_to_map, tissue.clear, depth <= map_depth);
            depth += ray.step_mm;
        }
    }
    return tissue;
}

@fragment
fn fs_raycast(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let pixel = position.xy;
    let map_origin = transform(ray.map_from_view, vec3(pixel, 0.0));
    let map_direction = transform_vector(ray.map_from_view, vec3(0.0, 0.0, 1.0));
    let hit = march_map(pixel, map_origin, map_direction);
    let tissue = march_tissue(pixel, hit.depth);
    var colour = tissue.colour + tissue.clear * BACKGROUND;
    if hit.peak > 0.0 {
        let surface = map_origin + hit.depth * map_direction;
        let slope = gradient(map_soft, ray.map_from_view, surface) * ray.map_slope * ray.overlay.inverse_span;
        // Full strength in the open, less behind tissue: the map is never lost, and depth can still be seen.
        let strength = sqrt(ray.overlay.opacity) * mix(0.62, 1.0, tissue.clear_to_map);
        let tint = map_colour(colour_tables, ray.overlay, hit.peak).rgb;
        colour = mix(colour, tint * (0.45 + 0.55 * light(slope)), strength);
    }
    return vec4(colour, 1.0);
}

@fragment
fn fs_show(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let at = (position.xy - ray.screen_origin) / ray.screen_size;
    return to_target(textureSampleLevel(offscreen, filtering, at, 0.0).rgb);
}
