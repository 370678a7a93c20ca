// How the winners of a max-pool in a convolution's epilogue are packed: the largest elements of the windows, four bits each,
// those of neighbouring pooled positions and, after them, of neighbouring filters in a word. With the part
// convolution, and a binding argmax.

const POSITIONS_PER_WORD: u32 = 2;
const FILTERS_PER_WORD: u32 = 1;
const WORDS_OF_ROW: u32 = (FILTERS + FILTERS_PER_WORD - 1) / FILTERS_PER_WORD;

fn argmax_word(position: u32, filter_index: u32) -> u32 {
    return position / POSITIONS_PER_WORD * WORDS_OF_ROW + filter_index / FILTERS_PER_WORD;
}

// Where in its word a winner's four bits begin.
fn argmax_shift(position: u32, filter_index: u32) -> u32 {
    return 4 * (filter_index % FILTERS_PER_WORD * POSITIONS_PER_WORD + position % POSITIONS_PER_WORD);
}

// The largest element of a pooled position's window, or more than there are: none.
fn winner_at(position: u32, filter_index: u32) -> u32 {
    return (argmax[argmax_word(position, filter_index)] >> argmax_shift(position, filter_index)) & 15;
}
