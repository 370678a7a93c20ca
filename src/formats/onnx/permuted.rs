//! Tensors with their axes in another order.

/// The values of a tensor of that shape with its axes in this order, row by row; `at` gives the value at a place.
pub fn permuted(at: impl Fn(usize) -> f32, shape: &[usize], order: &[usize]) -> Vec<f32> {
    let sizes: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| shape[axis + 1..].iter().product()).collect();
    let mut index = vec![0; order.len()];
    let mut place = 0;
    let mut next = || {
        let value = at(place);
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            place += steps[axis];
            if index[axis] < sizes[axis] {
                break;
            }
            place -= steps[axis] * sizes[axis];
            index[axis] = 0;
        }
        value
    };
    (0..shape.iter().product()).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_go_where_the_order_says() {
        let turned = permuted(|place| place as f32, &[2, 3, 4], &[2, 0, 1]);
        assert_eq!(turned[..7], [0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 1.0]);
        assert_eq!(permuted(|place| turned[place], &[4, 2, 3], &[1, 2, 0])[..5], [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(permuted(|_| 7.0, &[], &[]), [7.0]);
    }
}
