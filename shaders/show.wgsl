// Puts an offscreen picture onto the screen; it fills the viewport.

@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var filtering: sampler;

struct Corner {
    @builtin(position) position: vec4<f32>,
    // (0, 0) is the picture's top left corner, (1, 1) its bottom right one.
    @location(0) at: vec2<f32>,
}

@vertex
fn vs_show(@builtin(vertex_index) index: u32) -> Corner {
    let position = covering(index);
    return Corner(position, vec2(0.5 + 0.5 * position.x, 0.5 - 0.5 * position.y));
}

// For a picture with as many pixels as it has on the screen.
@fragment
fn fs_same(corner: Corner) -> @location(0) vec4<f32> {
    let pixel = vec2<i32>(corner.at * vec2<f32>(textureDimensions(picture)));
    return to_target(textureLoad(picture, pixel, 0).rgb);
}

// For a smaller one.
@fragment
fn fs_enlarged(corner: Corner) -> @location(0) vec4<f32> {
    return to_target(textureSampleLevel(picture, filtering, corner.at, 0.0).rgb);
}
