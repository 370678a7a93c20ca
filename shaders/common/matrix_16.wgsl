enable f16;
enable wgpu_cooperative_matrix;
// Fragments of 16 x 16, each spread over the threads of a subgroup.
alias FragmentA = coop_mat16x16<f16, A>;
alias FragmentB = coop_mat16x16<f16, B>;
alias FragmentC = coop_mat16x16<f32, C>;
const FRAGMENT: u32 = 16;
