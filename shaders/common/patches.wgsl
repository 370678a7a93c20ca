// Where patches are: the input under the kernel at one output position (im2col), gathered from where it lies. With
// convolution.wgsl.

// Whether some patch reaches beyond its image.
const PADDED: bool = PAD_TOP + PAD_LEFT > 0
    || (OUTPUT_HEIGHT - 1) * STRIDE_Y + KERNEL_HEIGHT > HEIGHT
    || (OUTPUT_WIDTH - 1) * STRIDE_X + KERNEL_WIDTH > WIDTH;

// The corner of the patch under one element of a pooled position's window: its y and x, and its address in the input; all as
// if the padding were part of the image, so that none is negative.
fn patch_corner(position: u32, element: u32) -> vec3<u32> {
    let image = position / (POOLED_HEIGHT * POOLED_WIDTH);
    let pooled = position % (POOLED_HEIGHT * POOLED_WIDTH);
    let y = (pooled / POOLED_WIDTH * POOL + element / POOL) * STRIDE_Y;
    let x = (pooled % POOLED_WIDTH * POOL + element % POOL) * STRIDE_X;
    return vec3(y, x, ((image * HEIGHT + y) * WIDTH + x) * CHANNELS);
}
