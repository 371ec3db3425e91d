// The 3-D pane: orthographic rays, front to back, through the scan; the maps glow in the same rays.
// It is drawn into an offscreen picture.

// What a program is made for; keep in sync with `Variant` in src/gpu/raycast/programs.rs. Each has only what it needs,
// as software adapters run both sides of a branch.
// 0: composite, 1: maximum, 2: surface.
override mode: u32 = 0u;
// Maps to show, at most 3.
override layers: u32 = 0u;
override lit: bool = true;

// Keep in sync with `LayerUniform` in src/gpu/raycast/uniform.rs.
struct Layer {
    // From view coordinates to voxels of its texture.
    from_view: Affine,
    overlay: Overlay,
    // From its normalised values to real ones.
    slope: f32,
    intercept: f32,
    // Distance between samples along a ray in mm.
    step_mm: f32,
    _padding: f32,
}

// Keep in sync with `RaycastUniform` in src/gpu/raycast/uniform.rs.
// View coordinates are (x, y) in offscreen pixels and the depth in mm.
struct Raycast {
    scan_from_view: Affine,
    layers: array<Layer, 3>,
    // Half-spaces outside of which nothing is drawn: dot(xyz, view) <= w.
    bounds: array<vec4<f32>, BOUNDS>,
    // place = normalised * place_factor + place_offset: 0 and 1 are the ends of the range of colours or greys.
    place_factor: f32,
    place_offset: f32,
    // Normalised value of the surface.
    level: f32,
    // Distance between samples along a ray in mm.
    step_mm: f32,
    // How far apart samples for a gradient lie, in offscreen pixels (x, y) and in mm (z).
    gradient_pixels: f32,
    gradient_mm: f32,
    // Samples are lit together until they are this opaque.
    lit_together: f32,
    _padding: f32,
}

@group(0) @binding(0) var<uniform> ray: Raycast;
@group(0) @binding(1) var filtering: sampler;
@group(0) @binding(2) var colour_tables: texture_2d<f32>;
// The integral of the transfer function in one row, see `Transfer::table` in src/view/transfer.rs.
@group(0) @binding(3) var transfer: texture_2d<f32>;
// Scan and maps normalised to 0..1.
@group(0) @binding(4) var scan: texture_3d<f32>;
@group(0) @binding(5) var map_0: texture_3d<f32>;
@group(0) @binding(6) var map_1: texture_3d<f32>;
@group(0) @binding(7) var map_2: texture_3d<f32>;
// By block of BLOCK voxels cubed: how many blocks a ray may leap, in each direction, as there is nothing to see; 0 where
// there is. In a program for the maximum instead the largest place of the scan in the block.
@group(0) @binding(8) var scan_blocks: texture_3d<f32>;
@group(0) @binding(9) var map_blocks_0: texture_3d<f32>;
@group(0) @binding(10) var map_blocks_1: texture_3d<f32>;
@group(0) @binding(11) var map_blocks_2: texture_3d<f32>;

// Voxels per side of a block; keep in sync with `BLOCK` in src/gpu/blocks.rs.
const BLOCK: f32 = 8.0;
// Six faces of a box and three cuts; keep in sync with `BOUNDS` in src/gpu/raycast/uniform.rs.
const BOUNDS: u32 = 9u;
const MAX_STEPS: i32 = 4096;
const FAR_MM: f32 = 1e6;
const NOWHERE: vec2<f32> = vec2(FAR_MM, -FAR_MM);
// Rays end when they are this opaque.
const OPAQUE: f32 = 0.98;
// A layer of samples this thin is not lit on its own.
const NEGLIGIBLE: f32 = 0.004;
// Of a map behind opaque tissue, this much is still seen.
const SHINES_THROUGH: f32 = 0.62;
// The light comes from the viewer, a little from above and from the left; halfway between both is where it is reflected.
const TO_LIGHT: vec3<f32> = vec3(-0.30, -0.42, -0.857);
const HALFWAY: vec3<f32> = vec3(-0.156, -0.218, -0.964);
const SURFACE_COLOUR: vec3<f32> = vec3(0.90, 0.86, 0.80);

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

// Depths between which a ray is inside a volume and nothing is cut away.
fn visible(pixel: vec2<f32>, origin: vec3<f32>, direction: vec3<f32>, size: vec3<f32>) -> vec2<f32> {
    var depths = intersect(origin, direction, vec3(-0.5), size - 0.5);
    for (var i = 0u; i < BOUNDS; i++) {
        let bound = ray.bounds[i];
        let room = bound.w - dot(bound.xy, pixel);
        // Where slope * depth <= room.
        let slope = select(bound.z, 1e-9, abs(bound.z) < 1e-9);
        let depth = room / slope;
        depths = select(vec2(max(depths.x, depth), depths.y), vec2(depths.x, min(depths.y, depth)), slope > 0.0);
    }
    return depths;
}

// What may be leapt at a voxel, or what is the largest there.
fn block_at(blocks: texture_3d<f32>, voxel: vec3<f32>) -> f32 {
    let last = vec3<i32>(textureDimensions(blocks)) - 1;
    return textureLoad(blocks, clamp(vec3<i32>((voxel + 0.5) / BLOCK), vec3(0), last), 0).r;
}

// The depth behind so many blocks in each direction around `voxel`, on the raster of `step_mm` that `depth` is on.
fn skip(voxel: vec3<f32>, direction: vec3<f32>, depth: f32, step_mm: f32, blocks: f32) -> f32 {
    let block = floor((voxel + 0.5) / BLOCK);
    let leave = intersect(voxel, direction, (block + 1.0 - blocks) * BLOCK - 0.5, (block + blocks) * BLOCK - 0.5).y;
    return depth + max(ceil(leave / step_mm), 1.0) * step_mm;
}

fn at(volume: texture_3d<f32>, voxel: vec3<f32>) -> f32 {
    return textureSampleLevel(volume, filtering, (voxel + 0.5) / vec3<f32>(textureDimensions(volume)), 0.0).r;
}

// Gradient in view directions (right, down, forward) from four samples at the corners of a tetrahedron.
fn gradient(volume: texture_3d<f32>, from_view: Affine, voxel: vec3<f32>) -> vec3<f32> {
    let reach = vec3(vec2(ray.gradient_pixels), ray.gradient_mm);
    let k0 = vec3(1.0, -1.0, -1.0);
    let k1 = vec3(-1.0, -1.0, 1.0);
    let k2 = vec3(-1.0, 1.0, -1.0);
    let k3 = vec3(1.0, 1.0, 1.0);
    let g = k0 * at(volume, voxel + transform_vector(from_view, k0 * reach))
        + k1 * at(volume, voxel + transform_vector(from_view, k1 * reach))
        + k2 * at(volume, voxel + transform_vector(from_view, k2 * reach))
        + k3 * at(volume, voxel + transform_vector(from_view, k3 * reach));
    return g * 0.25;
}

// A colour on a surface that lies across a gradient, seen from either side. Where values are even, there is no surface.
fn light(colour: vec3<f32>, slope: vec3<f32>) -> vec3<f32> {
    let steepness = length(slope);
    let normal = slope / max(steepness, 1e-6);
    let surface = smoothstep(0.005, 0.05, steepness);
    let diffuse = mix(0.75, 0.25 + 0.75 * abs(dot(normal, TO_LIGHT)), surface);
    let s2 = dot(normal, HALFWAY) * dot(normal, HALFWAY);
    let s8 = s2 * s2 * s2 * s2;
    return colour * diffuse + vec3(0.16 * surface * s8 * s8 * s8);
}

// What a ray meets of a map, as if it were one translucent sheet where the map begins.
struct Sheet {
    colour: vec3<f32>,
    opacity: f32,
    depth: f32,
}

const NO_SHEET: Sheet = Sheet(vec3(0.0), 0.0, FAR_MM);

fn march_map(map: texture_3d<f32>, blocks: texture_3d<f32>, layer: Layer, pixel: vec2<f32>) -> Sheet {
    let origin = transform(layer.from_view, vec3(pixel, 0.0));
    let direction = transform_vector(layer.from_view, vec3(0.0, 0.0, 1.0));
    let depths = visible(pixel, origin, direction, vec3<f32>(textureDimensions(map)));
    var depth = depths.x;
    var begin = FAR_MM;
    // The strongest value, and how strong it is.
    var peak = 0.0;
    var strength = -1.0;
    for (var i = 0; i < MAX_STEPS && depth < depths.y; i++) {
        let voxel = origin + depth * direction;
        let leap = block_at(blocks, voxel);
        if leap < 0.5 {
            let value = at(map, voxel) * layer.slope + layer.intercept;
            if is_visible(layer.overlay, value) {
                begin = min(begin, depth);
                let here = select(value, abs(value), layer.overlay.is_signed != 0u);
                peak = select(peak, value, begin == depth || here > strength);
                strength = select(max(strength, here), here, begin == depth);
            }
            depth += layer.step_mm;
        } else {
            depth = skip(voxel, direction, depth, layer.step_mm, leap);
        }
    }
    let tint = map_colour(colour_tables, layer.overlay, peak);
    let slope = gradient(map, layer.from_view, origin + begin * direction) * layer.slope * layer.overlay.inverse_span;
    // Stronger than in a slice, where there is nothing in front of it.
    let opacity = select(0.0, sqrt(tint.a), begin < FAR_MM);
    return Sheet(0.25 * tint.rgb + 0.75 * light(tint.rgb, slope), opacity, begin);
}

// What a ray meets of the scan.
struct Tissue {
    colour: vec3<f32>,
    // How much light gets through all of it, and through what lies in front of each map.
    clear: f32,
    clear_to_map: vec3<f32>,
}

// A ray among the voxels of the scan.
struct Line {
    origin: vec3<f32>,
    direction: vec3<f32>,
    depths: vec2<f32>,
}

fn through_scan(pixel: vec2<f32>) -> Line {
    let origin = transform(ray.scan_from_view, vec3(pixel, 0.0));
    let direction = transform_vector(ray.scan_from_view, vec3(0.0, 0.0, 1.0));
    return Line(origin, direction, visible(pixel, origin, direction, vec3<f32>(textureDimensions(scan))));
}

// How much of the light from a depth gets past the maps in front of it.
fn past_maps(depth: f32, map_depths: vec3<f32>, map_opacities: vec3<f32>) -> f32 {
    let clear = select(vec3(1.0), 1.0 - map_opacities, map_depths < vec3(depth));
    return clear.x * clear.y * clear.z;
}

// The integral of the transfer function up to a place.
fn integral(place: f32) -> vec4<f32> {
    let position = clamp(place, 0.0, 1.0) * 255.0;
    let below = min(i32(position), 254);
    let a = textureLoad(transfer, vec2(below, 0), 0);
    let b = textureLoad(transfer, vec2(below + 1, 0), 0);
    // Exactly `a` where nothing is added.
    return a + (b - a) * (position - f32(below));
}

// The twin of `mean_emission` in src/view/transfer.rs, one sample after the other.
fn composite(pixel: vec2<f32>, map_depths: vec3<f32>, map_opacities: vec3<f32>) -> Tissue {
    let line = through_scan(pixel);
    var tissue = Tissue(vec3(0.0), 1.0, vec3(1.0));
    // A different start for neighbouring rays turns rings into fine noise (Jimenez 2014, interleaved gradient noise).
    let noise = fract(52.9829189 * fract(dot(pixel, vec2(0.06711056, 0.00583715))));
    var depth = line.depths.x + noise * ray.step_mm;
    // The sample before, and the integral there; none before the first sample and after a leap.
    var place_before = 0.0;
    var integral_before = vec4(0.0);
    var first = true;
    var budget = MAX_STEPS;
    while depth < line.depths.y && tissue.clear > 1.0 - OPAQUE && budget > 0 {
        // Samples are gathered in a short loop until they are worth lighting together, as software adapters always run
        // the whole body of a loop.
        var gathered = vec4(0.0);
        // Where they lie, as the mean depth weighted by opacity.
        var moment = 0.0;
        var seen = depth;
        while depth < line.depths.y && budget > 0 {
            budget -= 1;
            let voxel = line.origin + depth * line.direction;
            let leap = block_at(scan_blocks, voxel);
            if leap > 0.5 {
                depth = skip(voxel, line.direction, depth, ray.step_mm, leap);
                first = true;
                if gathered.a > NEGLIGIBLE {
                    break;
                }
            } else {
                let here = clamp(at(scan, voxel) * ray.place_factor + ray.place_offset, 0.0, 1.0);
                // Nearer places are moved apart, as a quotient of tiny differences is noise.
                let apart = select(place_before + 1e-3, place_before - 1e-3, place_before > 0.5);
                let place = select(here, apart, !first && abs(here - place_before) < 1e-3);
                let integral_here = integral(place);
                let emission = (integral_here - integral_before) / select(place - place_before, 1.0, first);
                let opacity = select(1.0 - exp(-emission.a * ray.step_mm), 0.0, first);
                let added = (1.0 - gathered.a) * opacity;
                moment += added * (depth - 0.5 * ray.step_mm);
                gathered += vec4(emission.rgb / max(emission.a, 1e-6) * added, added);
                place_before = place;
                integral_before = integral_here;
                first = false;
                seen = moment / max(gathered.a, 1e-6);
                depth += ray.step_mm;
                if gathered.a > ray.lit_together {
                    break;
                }
            }
        }
        var colour = gathered.rgb;
        if lit {
            // Lit are colours, not the share of them that is seen.
            let solid = colour / max(gathered.a, 1e-6);
            let voxel = line.origin + seen * line.direction;
            colour = light(solid, gradient(scan, ray.scan_from_view, voxel) * ray.place_factor) * gathered.a;
        }
        tissue.colour += tissue.clear * past_maps(seen, map_depths, map_opacities) * colour;
        tissue.clear *= 1.0 - gathered.a;
        tissue.clear_to_map = select(tissue.clear_to_map, vec3(tissue.clear), vec3(seen) <= map_depths);
    }
    return tissue;
}

fn maximum(pixel: vec2<f32>) -> Tissue {
    let line = through_scan(pixel);
    // Along an axis of the volume, samples are voxels.
    var depth = line.depths.x + 0.5 * ray.step_mm;
    var largest = 0.0;
    for (var i = 0; i < MAX_STEPS && depth < line.depths.y && largest < 1.0; i++) {
        let voxel = line.origin + depth * line.direction;
        if block_at(scan_blocks, voxel) > largest {
            largest = max(largest, at(scan, voxel) * ray.place_factor + ray.place_offset);
            depth += ray.step_mm;
        } else {
            depth = skip(voxel, line.direction, depth, ray.step_mm, 1.0);
        }
    }
    // There is no depth in it, so nothing hides a map.
    let is_inside = line.depths.x < line.depths.y;
    return Tissue(vec3(select(BACKGROUND, clamp(largest, 0.0, 1.0), is_inside)), 0.0, vec3(1.0));
}

fn surface(pixel: vec2<f32>, map_depths: vec3<f32>, map_opacities: vec3<f32>) -> Tissue {
    let line = through_scan(pixel);
    var depth = line.depths.x;
    var hit = FAR_MM;
    for (var i = 0; i < MAX_STEPS && depth < line.depths.y; i++) {
        let voxel = line.origin + depth * line.direction;
        let leap = block_at(scan_blocks, voxel);
        if leap > 0.5 {
            depth = skip(voxel, line.direction, depth, ray.step_mm, leap);
        } else if at(scan, voxel) >= ray.level {
            hit = depth;
            break;
        } else {
            depth += ray.step_mm;
        }
    }
    if hit == FAR_MM {
        return Tissue(vec3(0.0), 1.0, vec3(1.0));
    }
    // Between the last sample below the level and the first above it.
    var below = max(hit - ray.step_mm, line.depths.x);
    let is_cut = below == hit;
    for (var i = 0; i < 6; i++) {
        let middle = 0.5 * (below + hit);
        if at(scan, line.origin + middle * line.direction) >= ray.level {
            hit = middle;
        } else {
            below = middle;
        }
    }
    let voxel = line.origin + hit * line.direction;
    var colour = SURFACE_COLOUR;
    if lit {
        colour = light(colour, gradient(scan, ray.scan_from_view, voxel) * ray.place_factor);
    }
    let grey = clamp(at(scan, voxel) * ray.place_factor + ray.place_offset, 0.0, 1.0);
    colour = select(colour, vec3(grey), is_cut) * past_maps(hit, map_depths, map_opacities);
    return Tissue(colour, 0.0, select(vec3(0.0), vec3(1.0), map_depths <= vec3(hit)));
}

// The maps among the tissue, in the order of their depths. Tissue in front dims a map, but only to SHINES_THROUGH: it
// is never lost, and what hides it gives way.
fn blend(tissue: Tissue, a: Sheet, b: Sheet, c: Sheet) -> vec3<f32> {
    let opacities = vec3(a.opacity, b.opacity, c.opacity);
    let clear = 1.0 - opacities;
    let past_others = vec3(
        select(1.0, clear.y, b.depth < a.depth) * select(1.0, clear.z, c.depth < a.depth),
        select(1.0, clear.x, a.depth <= b.depth) * select(1.0, clear.z, c.depth < b.depth),
        select(1.0, clear.x, a.depth <= c.depth) * select(1.0, clear.y, b.depth <= c.depth));
    let hidden = opacities * past_others * tissue.clear_to_map;
    let shown = opacities * past_others * mix(vec3(SHINES_THROUGH), vec3(1.0), tissue.clear_to_map);
    let behind = tissue.colour + tissue.clear * clear.x * clear.y * clear.z * BACKGROUND;
    let gives_way = (1.0 - dot(shown, vec3(1.0))) / max(1.0 - dot(hidden, vec3(1.0)), 1e-3);
    return behind * clamp(gives_way, 0.0, 1.0) + a.colour * shown.x + b.colour * shown.y + c.colour * shown.z;
}

@fragment
fn fs_raycast(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let pixel = position.xy;
    var a = NO_SHEET;
    var b = NO_SHEET;
    var c = NO_SHEET;
    if layers > 0u {
        a = march_map(map_0, map_blocks_0, ray.layers[0], pixel);
    }
    if layers > 1u {
        b = march_map(map_1, map_blocks_1, ray.layers[1], pixel);
    }
    if layers > 2u {
        c = march_map(map_2, map_blocks_2, ray.layers[2], pixel);
    }
    let map_depths = vec3(a.depth, b.depth, c.depth);
    let map_opacities = vec3(a.opacity, b.opacity, c.opacity);
    var tissue: Tissue;
    if mode == 0u {
        tissue = composite(pixel, map_depths, map_opacities);
    } else if mode == 1u {
        tissue = maximum(pixel);
        tissue.colour *= (1.0 - a.opacity) * (1.0 - b.opacity) * (1.0 - c.opacity);
    } else {
        tissue = surface(pixel, map_depths, map_opacities);
    }
    return vec4(blend(tissue, a, b, c), 1.0);
}
