//! The arithmetic of 3-D convolution on plain slices: forward, and the gradients of input and weights.
//!
//! Every output is a sum over terms: a weight times the source at a fixed distance from the output's own place. To make the
//! distances fixed, the source is laid out with its padding, and for a stride of s as s³ volumes, each of which holds every
//! s-th voxel ([`Layout`]); where that takes fewer vectors, places between rows and planes are computed too and left out
//! afterwards. So no neighbourhood is ever copied, and a few output channels times a few vectors stay in registers while the
//! terms go by. Each output is added up in one order, whatever the number of threads.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Output channels that are computed together.
const CHANNELS: usize = 4;
/// Vectors of outputs that are computed together.
const VECTORS: usize = 3;
/// Terms whose weight gradients are computed together.
const TERMS: usize = 3;
/// Terms whose weight gradients are one task.
const PART: usize = 216;
/// Places that weight gradients are summed over for all terms of a task before the next: so many stay in the cache.
const TILE: usize = 1024;
/// A multiple of the values that any processor computes together.
const LANES: usize = 16;
/// More values than any processor computes together: so many may be read and written beyond the end.
const SLACK: usize = 64;

/// A convolution of a batch of volumes, groups and dilation being 1. All volumes are `[batch, channels, z, y, x]`, weights
/// `[out, in, z, y, x]`, x fastest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convolution {
    pub batch: usize,
    /// Channels in and out.
    pub channels: [usize; 2],
    /// Size of an input volume.
    pub input: [usize; 3],
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    /// Zeros before the first and after the last voxel.
    pub padding: [usize; 3],
}

/// How volumes lie in memory while they are convolved: rows of rows of voxels, with room between them.
#[derive(Clone, Copy)]
struct Layout {
    size: [usize; 3],
}

impl Layout {
    fn index(self, [z, y, x]: [usize; 3]) -> usize {
        (z * self.size[1] + y) * self.size[2] + x
    }

    fn count(self) -> usize {
        self.size.iter().product()
    }

    /// How many places lie between the first and the last voxel of a volume of `size` in this layout, both counted.
    fn reach(self, size: [usize; 3]) -> usize {
        if size.contains(&0) { 0 } else { self.index(size.map(|n| n - 1)) + 1 }
    }

    /// Where vectors of so many `lanes` begin that hold all voxels of a volume of `size`: as many as each row needs, or one
    /// behind the other from the first voxel to the last, whichever are fewer.
    fn vectors(self, size: [usize; 3], lanes: usize) -> Vec<usize> {
        let reach = self.reach(size);
        let of_rows = size[0] * size[1] * size[2].div_ceil(lanes);
        if of_rows < reach.div_ceil(lanes) {
            let rows = places([size[0], size[1], 1]).map(|place| self.index(place));
            rows.flat_map(|row| (row..row + size[2]).step_by(lanes)).collect()
        } else {
            (0..reach).step_by(lanes).collect()
        }
    }
}

/// For each axis, something of it.
fn axes<T>(of: impl FnMut(usize) -> T) -> [T; 3] {
    [0, 1, 2].map(of)
}

/// All places of a volume of `size`.
fn places(size: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..size[0]).flat_map(move |z| (0..size[1]).flat_map(move |y| (0..size[2]).map(move |x| [z, y, x])))
}

/// The voxels of one phase that a gradient is wanted of: the first along each axis, and how many.
struct Wanted {
    first: [usize; 3],
    size: [usize; 3],
}

impl Convolution {
    /// Size of an output volume.
    pub fn output(&self) -> [usize; 3] {
        axes(|a| {
            ((self.input[a] + 2 * self.padding[a] + self.stride[a]).saturating_sub(self.kernel[a])) / self.stride[a]
        })
    }

    /// The result, `[batch, out, z, y, x]`.
    pub fn forward(&self, input: &[f32], weights: &[f32]) -> Vec<f32> {
        let [inputs, outputs] = self.channels;
        let output = self.output();
        let (spatial, terms) = (output.iter().product::<usize>(), self.terms());
        let mut result = vec![0.0; self.batch * outputs * spatial];
        let items =
            result.par_chunks_mut((outputs * spatial).max(1)).zip(input.par_chunks(self.input_len(inputs).max(1)));
        items.for_each(|(result, input)| {
            let source = self.laid_out(input);
            let work =
                result.par_chunks_mut(CHANNELS * spatial.max(1)).zip(weights.par_chunks(CHANNELS * terms.len().max(1)));
            work.for_each_init(Vec::new, |packed, (result, weights)| {
                let of = block_of(weights.len() / terms.len(), |c| &weights[c * terms.len()..][..terms.len()]);
                packed.clear();
                let pairs = of[0].iter().zip(of[1]).zip(of[2].iter().zip(of[3]));
                packed.extend(pairs.map(|((a, b), (c, d))| [*a, *b, *c, *d]));
                let sums = sums(&source, &terms, packed, self.field(), output);
                for (sums, result) in sums.iter().zip(result.chunks_mut(spatial)) {
                    let rows = result.chunks_mut(output[2]).zip(places([output[0], output[1], 1]));
                    for (row, place) in rows {
                        row.copy_from_slice(&sums[self.field().index(place)..][..output[2]]);
                    }
                }
            });
        });
        result
    }

    /// The gradient of the input, from that of the result.
    pub fn input_gradient(&self, weights: &[f32], gradient: &[f32]) -> Vec<f32> {
        let [inputs, outputs] = self.channels;
        let (output, taps) = (self.output(), self.taps());
        let span = self.span();
        let phases: Vec<([usize; 3], Wanted)> =
            places(self.phases()).map(|phase| (phase, self.wanted(phase))).collect();
        // Room around the gradient, so that every term of every wanted voxel is there.
        let before =
            axes(|a| phases.iter().map(|(_, wanted)| span[a].saturating_sub(wanted.first[a])).max().unwrap_or(0));
        let end = |wanted: &Wanted, a: usize| wanted.first[a] + wanted.size[a];
        let after =
            axes(|a| phases.iter().map(|(_, wanted)| end(wanted, a).saturating_sub(output[a])).max().unwrap_or(0));
        let layout = Layout { size: axes(|a| before[a] + output[a] + after[a]) };
        // Of each phase: its terms, and the weights of each block of input channels.
        let kernel = Layout { size: self.kernel };
        let parts: Vec<_> = phases
            .into_iter()
            .map(|(phase, wanted)| {
                let own: Vec<[usize; 3]> =
                    taps.iter().copied().filter(|tap| axes(|a| tap[a] % self.stride[a]) == phase).collect();
                let terms: Vec<usize> = (0..outputs)
                    .flat_map(|out| own.iter().map(move |tap| (out, tap)))
                    .map(|(out, tap)| {
                        let place = axes(|a| before[a] + wanted.first[a] - tap[a] / self.stride[a]);
                        out * layout.count() + layout.index(place)
                    })
                    .collect();
                let own: Vec<usize> = own.into_iter().map(|tap| kernel.index(tap)).collect();
                let blocks: Vec<_> = (0..inputs)
                    .into_par_iter()
                    .step_by(CHANNELS)
                    .map(|first| {
                        let mut packed = Vec::with_capacity(terms.len());
                        for out in 0..outputs {
                            let of = block_of(inputs - first, |c| {
                                &weights[(out * inputs + first + c) * taps.len()..][..taps.len()]
                            });
                            packed.extend(own.iter().map(|&tap| of.map(|weights| weights[tap])));
                        }
                        packed
                    })
                    .collect();
                (phase, wanted, terms, blocks)
            })
            .collect();
        let (spatial, gradients) = (self.input_len(1), outputs * output.iter().product::<usize>());
        let mut result = vec![0.0; self.batch * inputs * spatial];
        let items = result.par_chunks_mut((inputs * spatial).max(1)).zip(gradient.par_chunks(gradients.max(1)));
        items.for_each(|(result, gradient)| {
            let source = spread(gradient, outputs, output, layout, before);
            let work = result.par_chunks_mut(CHANNELS * spatial.max(1)).enumerate();
            work.for_each(|(block, result)| {
                for (phase, wanted, terms, blocks) in &parts {
                    let sums = sums(&source, terms, &blocks[block], layout, wanted.size);
                    for (sums, result) in sums.iter().zip(result.chunks_mut(spatial)) {
                        self.gather(sums, layout, *phase, wanted, result);
                    }
                }
            });
        });
        result
    }

    /// The gradient of the weights, from the input and the gradient of the result.
    pub fn weight_gradient(&self, input: &[f32], gradient: &[f32]) -> Vec<f32> {
        let [inputs, outputs] = self.channels;
        let (output, field, terms) = (self.output(), self.field(), self.terms());
        let count = field.reach(output).next_multiple_of(LANES);
        // Zero wherever there is no output, so that what lies between rows and beyond the end counts nothing.
        let plane = field.size[1] * field.size[2];
        let apart = Layout { size: [count.div_ceil(plane.max(1)), field.size[1], field.size[2]] };
        let one = outputs * output.iter().product::<usize>();
        let items: Vec<(Vec<f32>, Vec<f32>)> = input
            .par_chunks(self.input_len(inputs).max(1))
            .zip(gradient.par_chunks(one.max(1)))
            .map(|(input, gradient)| (self.laid_out(input), spread(gradient, outputs, output, apart, [0; 3])))
            .collect();
        let mut result = vec![0.0; outputs * terms.len()];
        result.par_chunks_mut(CHANNELS * terms.len().max(1)).enumerate().for_each(|(block, result)| {
            let channels = result.len() / terms.len();
            // Of each item: the sources, and the gradients of the block's channels.
            let items: Vec<(&[f32], [&[f32]; CHANNELS])> = items
                .iter()
                .map(|(source, gradient)| {
                    let of = |c: usize| &gradient[(block * CHANNELS + c) * apart.count()..][..count];
                    (source.as_slice(), [0, 1, 2, 3].map(|c| of(c.min(channels - 1))))
                })
                .collect();
            let parts = terms
                .par_chunks(PART)
                .flat_map_iter(|terms| Arch::new().dispatch(Products { items: &items, terms, count }));
            let products: Vec<[f32; CHANNELS]> = parts.collect();
            for (channel, result) in result.chunks_mut(terms.len()).enumerate() {
                result.iter_mut().zip(&products).for_each(|(result, products)| *result = products[channel]);
            }
        });
        result
    }

    fn input_len(&self, channels: usize) -> usize {
        channels * self.input.iter().product::<usize>()
    }

    /// The places of the kernel, in the order of the weights.
    fn taps(&self) -> Vec<[usize; 3]> {
        places(self.kernel).collect()
    }

    /// How far the last place of the kernel reaches, in voxels of a phase.
    fn span(&self) -> [usize; 3] {
        axes(|a| (self.kernel[a] - 1) / self.stride[a])
    }

    /// How many volumes a strided input is laid out as, along each axis.
    fn phases(&self) -> [usize; 3] {
        axes(|a| self.stride[a].min(self.kernel[a]))
    }

    /// The layout of one phase of the padded input.
    fn field(&self) -> Layout {
        let (output, span) = (self.output(), self.span());
        Layout { size: axes(|a| output[a] + span[a]) }
    }

    /// Where the source of each weight lies relative to its output, in the order of the weights of one output channel.
    fn terms(&self) -> Vec<usize> {
        let (field, phases) = (self.field(), Layout { size: self.phases() });
        let taps = self.taps();
        let within = taps.iter().map(|tap| {
            let phase = phases.index(axes(|a| tap[a] % self.stride[a]));
            phase * field.count() + field.index(axes(|a| tap[a] / self.stride[a]))
        });
        let within: Vec<usize> = within.collect();
        let channel = phases.count() * field.count();
        (0..self.channels[0]).flat_map(|input| within.iter().map(move |term| input * channel + term)).collect()
    }

    /// All phases of all channels of one padded input.
    fn laid_out(&self, input: &[f32]) -> Vec<f32> {
        let (field, phases) = (self.field(), self.phases());
        let channel = phases.iter().product::<usize>() * field.count();
        let mut source = vec![0.0; self.channels[0] * channel + field.count() + SLACK];
        let work = source.par_chunks_mut(channel.max(1)).zip(input.par_chunks(self.input_len(1).max(1)));
        work.for_each(|(source, input)| {
            for (phase, source) in places(phases).zip(source.chunks_mut(field.count())) {
                for (row, place) in source.chunks_mut(field.size[2]).zip(places([field.size[0], field.size[1], 1])) {
                    let Some([z, y]) = self.row_of(place, phase) else { continue };
                    let row_of_input = &input[(z * self.input[1] + y) * self.input[2]..][..self.input[2]];
                    let (stride, padding) = (self.stride[2], self.padding[2]);
                    let first = padding.saturating_sub(phase[2]).div_ceil(stride);
                    let from = first * stride + phase[2] - padding;
                    if first < row.len() && from < row_of_input.len() {
                        let (to, from) = (&mut row[first..], &row_of_input[from..]);
                        match stride {
                            // The usual ones as loops that vectors can do.
                            1 => to.iter_mut().zip(from).for_each(|(to, value)| *to = *value),
                            2 => to.iter_mut().zip(from.chunks(2)).for_each(|(to, values)| *to = values[0]),
                            _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, value)| *to = *value),
                        }
                    }
                }
            }
        });
        source
    }

    /// The row of the input that a row of a phase is; none in the padding.
    fn row_of(&self, place: [usize; 3], phase: [usize; 3]) -> Option<[usize; 2]> {
        let along = |a: usize| {
            let at = (place[a] * self.stride[a] + phase[a]).checked_sub(self.padding[a])?;
            (at < self.input[a]).then_some(at)
        };
        Some([along(0)?, along(1)?])
    }

    /// The voxels of a phase that are voxels of the input, not of its padding.
    fn wanted(&self, phase: [usize; 3]) -> Wanted {
        let first = axes(|a| self.padding[a].saturating_sub(phase[a]).div_ceil(self.stride[a]));
        let last = axes(|a| (self.input[a] + self.padding[a]).saturating_sub(phase[a]).div_ceil(self.stride[a]));
        // Voxels that no output has seen have no gradient.
        let field = self.field().size;
        Wanted { first, size: axes(|a| last[a].min(field[a]).saturating_sub(first[a])) }
    }

    /// Puts the wanted voxels of one phase where they lie in the input.
    fn gather(&self, sums: &[f32], layout: Layout, phase: [usize; 3], wanted: &Wanted, result: &mut [f32]) {
        let at = |a: usize, n: usize| (wanted.first[a] + n) * self.stride[a] + phase[a] - self.padding[a];
        for place in places([wanted.size[0], wanted.size[1], 1]) {
            let row = &sums[layout.index(place)..][..wanted.size[2]];
            let start = (at(0, place[0]) * self.input[1] + at(1, place[1])) * self.input[2];
            let to = result[start..][..self.input[2]].iter_mut().skip(at(2, 0)).step_by(self.stride[2]);
            to.zip(row).for_each(|(to, value)| *to = *value);
        }
    }
}

/// Volumes of `size`, each in a layout of its own, `before` voxels from its first; zero elsewhere.
fn spread(values: &[f32], channels: usize, size: [usize; 3], layout: Layout, before: [usize; 3]) -> Vec<f32> {
    let mut source = vec![0.0; channels * layout.count() + layout.count() + SLACK];
    let work =
        source.par_chunks_mut(layout.count().max(1)).zip(values.par_chunks(size.iter().product::<usize>().max(1)));
    work.for_each(|(source, values)| {
        for (row, [z, y, _]) in values.chunks(size[2]).zip(places([size[0], size[1], 1])) {
            let start = layout.index([before[0] + z, before[1] + y, before[2]]);
            source[start..start + row.len()].copy_from_slice(row);
        }
    });
    source
}

/// What belongs to each of the next channels, of `left`; where there are fewer, the last is taken again.
fn block_of<'a>(left: usize, weights: impl Fn(usize) -> &'a [f32]) -> [&'a [f32]; CHANNELS] {
    [0, 1, 2, 3].map(|c| weights(c.min(left - 1)))
}

/// For each of a block of channels, at the places of a volume of `size` in its layout and at some between them, the sum over
/// all terms of weight times source.
fn sums(
    source: &[f32],
    terms: &[usize],
    weights: &[[f32; CHANNELS]],
    layout: Layout,
    size: [usize; 3],
) -> [Vec<f32>; CHANNELS] {
    let mut sums = std::array::from_fn(|_| vec![0.0; layout.reach(size) + SLACK]);
    Arch::new().dispatch(Sums { source, terms, weights, layout, size, out: &mut sums });
    sums
}

struct Sums<'a> {
    source: &'a [f32],
    terms: &'a [usize],
    weights: &'a [[f32; CHANNELS]],
    layout: Layout,
    size: [usize; 3],
    out: &'a mut [Vec<f32>; CHANNELS],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[allow(clippy::inline_always, reason = "only what is inlined is compiled for the vectors that there are")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, terms, weights, layout, size, out } = self;
        for starts in layout.vectors(size, S::F32_LANES).chunks(VECTORS) {
            // Where there are fewer, the last is computed again.
            let last = starts.len() - 1;
            let starts = [starts[0], starts[last.min(1)], starts[last]];
            let [in_a, in_b, in_c] = [&source[starts[0]..], &source[starts[1]..], &source[starts[2]..]];
            let mut block = [[simd.splat_f32s(0.0); VECTORS]; CHANNELS];
            for (&term, weights) in terms.iter().zip(weights) {
                let ([a], _) = S::as_simd_f32s(&in_a[term..][..S::F32_LANES]) else { continue };
                let ([b], _) = S::as_simd_f32s(&in_b[term..][..S::F32_LANES]) else { continue };
                let ([c], _) = S::as_simd_f32s(&in_c[term..][..S::F32_LANES]) else { continue };
                for (block, &weight) in block.iter_mut().zip(weights) {
                    let weight = simd.splat_f32s(weight);
                    block[0] = simd.mul_add_f32s(*a, weight, block[0]);
                    block[1] = simd.mul_add_f32s(*b, weight, block[1]);
                    block[2] = simd.mul_add_f32s(*c, weight, block[2]);
                }
            }
            for (out, block) in out.iter_mut().zip(block) {
                for (start, sum) in starts.iter().zip(block) {
                    if let ([to], _) = S::as_mut_simd_f32s(&mut out[*start..][..S::F32_LANES]) {
                        *to = sum;
                    }
                }
            }
        }
    }
}

/// For each term and each of a block of channels, the sum over all items and places of gradient times source.
struct Products<'a> {
    /// Of each item: the sources of all terms, and the gradients of the block's channels.
    items: &'a [(&'a [f32], [&'a [f32]; CHANNELS])],
    terms: &'a [usize],
    /// How many places, a multiple of [`LANES`].
    count: usize,
}

impl WithSimd for Products<'_> {
    type Output = Vec<[f32; CHANNELS]>;

    #[allow(clippy::inline_always, reason = "only what is inlined is compiled for the vectors that there are")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let Self { items, terms, count } = self;
        let zero = [[simd.splat_f32s(0.0); CHANNELS]; TERMS];
        let mut sums = vec![zero; terms.len().div_ceil(TERMS)];
        for (source, gradients) in items {
            for tile in (0..count).step_by(TILE) {
                let length = TILE.min(count - tile);
                let [ga, gb, gc, gd] = gradients.map(|values| S::as_simd_f32s(&values[tile..][..length]).0);
                let n = ga.len();
                let (gb, gc, gd) = (&gb[..n], &gc[..n], &gd[..n]);
                for (group, sums) in terms.chunks(TERMS).zip(&mut sums) {
                    // Where there are fewer, the last is taken again and left out below.
                    let of = [0, 1, 2].map(|t: usize| group[t.min(group.len() - 1)]);
                    let [sa, sb, sc] = of.map(|term| &S::as_simd_f32s(&source[term + tile..][..length]).0[..n]);
                    let mut acc = *sums;
                    for place in 0..n {
                        let g = [ga[place], gb[place], gc[place], gd[place]];
                        let s = [sa[place], sb[place], sc[place]];
                        for (acc, s) in acc.iter_mut().zip(s) {
                            for (acc, g) in acc.iter_mut().zip(g) {
                                *acc = simd.mul_add_f32s(s, g, *acc);
                            }
                        }
                    }
                    *sums = acc;
                }
            }
        }
        let mut products = Vec::with_capacity(sums.len() * TERMS);
        for sums in sums.as_flattened() {
            let mut product = [0.0; CHANNELS];
            for (product, sum) in product.iter_mut().zip(sums) {
                *product = simd.reduce_sum_f32s(*sum);
            }
            products.push(product);
        }
        products.truncate(terms.len());
        products
    }
}
