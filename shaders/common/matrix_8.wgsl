enable f16;
enable wgpu_cooperative_matrix;
// Fragments of 8 x 8, each spread over the threads of a subgroup.
alias FragmentA = coop_mat8x8<f16, A>;
alias FragmentB = coop_mat8x8<f16, B>;
alias FragmentC = coop_mat8x8<f32, C>;
const FRAGMENT: u32 = 8;
