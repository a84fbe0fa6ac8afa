//! Keccak-256 as Ethereum uses it: the sponge of FIPS 202 with the padding of the original submission (0x01).
//!
//! <https://keccak.team/keccak_specs_summary.html>. Checks spelling only; nothing secret goes through it.

/// Returns the hash of at most 135 bytes, one block; longer input is cut.
pub(super) fn keccak_256(data: &[u8]) -> [u8; 32] {
    let data = &data[..data.len().min(RATE - 1)];
    let mut block = [0u8; RATE];
    block[..data.len()].copy_from_slice(data);
    block[data.len()] ^= 0x01;
    block[RATE - 1] ^= 0x80;
    let mut state = [0u64; 25];
    for (lane, bytes) in state.iter_mut().zip(block.chunks_exact(8)) {
        *lane = bytes.iter().rev().fold(0, |lane, byte| lane << 8 | u64::from(*byte));
    }
    permute(&mut state);
    let mut hash = [0; 32];
    for (bytes, lane) in hash.chunks_exact_mut(8).zip(state) {
        bytes.copy_from_slice(&lane.to_le_bytes());
    }
    hash
}

/// Keccak-f\[1600\]: theta, rho and pi, chi, iota, 24 times.
fn permute(state: &mut [u64; 25]) {
    for constant in round_constants() {
        theta(state);
        let mut last = state[1];
        let (mut x, mut y) = (1usize, 0usize);
        for turn in 1..=24u32 {
            (x, y) = (y, (2 * x + 3 * y) % 5);
            let lane = &mut state[x + 5 * y];
            (last, *lane) = (*lane, last.rotate_left(turn * (turn + 1) / 2 % 64));
        }
        for row in state.chunks_exact_mut(5) {
            let old = [row[0], row[1], row[2], row[3], row[4]];
            for (x, lane) in row.iter_mut().enumerate() {
                *lane = old[x] ^ (!old[(x + 1) % 5] & old[(x + 2) % 5]);
            }
        }
        state[0] ^= constant;
    }
}

fn theta(state: &mut [u64; 25]) {
    let parity: [u64; 5] = std::array::from_fn(|x| (0..5).fold(0, |parity, y| parity ^ state[x + 5 * y]));
    for (at, lane) in state.iter_mut().enumerate() {
        *lane ^= parity[(at + 4) % 5] ^ parity[(at + 1) % 5].rotate_left(1);
    }
}

/// Draws the constants from their shift register.
fn round_constants() -> [u64; 24] {
    let mut register = 1u8;
    std::array::from_fn(|_| {
        (0..7).fold(0, |constant, bit| {
            let set = u64::from(register & 1) << ((1u32 << bit) - 1);
            register = register << 1 ^ if register & 0x80 != 0 { 0x71 } else { 0 };
            constant | set
        })
    })
}

const RATE: usize = 136;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nothing_is_the_known_one() {
        let known = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert_eq!(keccak_256(b"").map(|byte| format!("{byte:02x}")).concat(), known);
    }
}
