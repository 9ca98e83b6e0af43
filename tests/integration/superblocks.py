# SPDX-License-Identifier: Apache-2.0
"""What blocks of the types say that bake-convert reads and does not write: as ggml's reference without
fused operations, number by number."""
import struct

from weights import f32

IQ4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]


def half(data, at):
    return struct.unpack_from("<e", data, at)[0]


def q2_k(data):
    scales, quants, d, least = data[:16], data[16:80], half(data, 80), half(data, 82)
    out = []
    for at in range(256):
        part, within = divmod(at, 128)
        shift, lane = divmod(within, 32)
        scale = scales[at // 16]
        q = quants[part * 32 + lane] >> (2 * shift) & 3
        out.append(f32(f32(f32(d * (scale & 15)) * q) - f32(least * (scale >> 4))))
    return out


def q3_k(data):
    high, quants, packed, d = data[:32], data[32:96], data[96:108], half(data, 108)
    scales = [(packed[i % 8] >> (i // 8 * 4) & 15 | (packed[8 + i % 4] >> (i // 4 * 2) & 3) << 4) - 32 for i in range(16)]
    out = []
    for at in range(256):
        part, within = divmod(at, 128)
        shift, lane = divmod(within, 32)
        q = (quants[part * 32 + lane] >> (2 * shift) & 3) - (0 if high[lane] >> (part * 4 + shift) & 1 else 4)
        out.append(f32(f32(d * scales[at // 16]) * q))
    return out


def scale_and_least(packed, i):
    """Of group i of eight: six bits each, in twelve bytes."""
    if i < 4:
        return packed[i] & 63, packed[i + 4] & 63
    return packed[i + 4] & 15 | packed[i - 4] >> 6 << 4, packed[i + 4] >> 4 | packed[i] >> 6 << 4


def with_least(data, quants):
    """Of Q4_K and Q5_K."""
    d, least = half(data, 0), half(data, 2)
    out = []
    for at, q in enumerate(quants):
        scale, step = scale_and_least(data[4:16], at // 32)
        out.append(f32(f32(f32(d * scale) * q) - f32(least * step)))
    return out


def nibble(quants, at):
    """Of a group of 32 the low ones, of the next the high ones of the same bytes."""
    return quants[at // 64 * 32 + at % 32] >> (at // 32 % 2 * 4) & 15


def q4_k(data):
    return with_least(data, [nibble(data[16:144], at) for at in range(256)])


def q5_k(data):
    high = data[16:48]
    return with_least(data, [nibble(data[48:176], at) | (high[at % 32] >> (at // 32) & 1) << 4 for at in range(256)])


def iq4_xs(data):
    d, high, low, quants = half(data, 0), struct.unpack_from("<H", data, 2)[0], data[4:8], data[8:136]
    out = []
    for at in range(256):
        group, lane = divmod(at, 32)
        scale = (low[group // 2] >> (group % 2 * 4) & 15 | (high >> (2 * group) & 3) << 4) - 32
        q = IQ4[quants[group * 16 + lane % 16] >> (lane // 16 * 4) & 15]
        out.append(f32(f32(d * scale) * q))
    return out


def q8_k(data):
    d = struct.unpack_from("<f", data)[0]
    return [f32(value * d) for value in struct.unpack_from("<256b", data, 4)]


def iq4_nl(data):
    d = half(data, 0)
    return [f32(IQ4[value] * d) for value in [byte & 15 for byte in data[2:]] + [byte >> 4 for byte in data[2:]]]


def q6_k(data):
    low, high, scales = data[:128], data[128:192], struct.unpack_from("<16b", data, 192)
    d = half(data, 208)
    out = []
    for at in range(256):
        part, within = divmod(at, 128)
        quarter, lane = divmod(within, 32)
        value = low[part * 64 + quarter % 2 * 32 + lane] >> (quarter // 2 * 4) & 15
        q = (value | (high[part * 32 + lane] >> (2 * quarter) & 3) << 4) - 32
        out.append(f32(f32(d * scales[at // 16]) * q))
    return out


# The reader, the number in GGUF, values and bytes of a block, and where its scales stand.
KINDS = {"Q2_K": (q2_k, 10, 256, 84, (80, 82)), "Q3_K": (q3_k, 11, 256, 110, (108,)),
         "Q4_K": (q4_k, 12, 256, 144, (0, 2)), "Q5_K": (q5_k, 13, 256, 176, (0, 2)),
         "Q6_K": (q6_k, 14, 256, 210, (208,)), "Q8_K": (q8_k, 15, 256, 292, (0,)),
         "IQ4_NL": (iq4_nl, 20, 32, 18, (0,)), "IQ4_XS": (iq4_xs, 23, 256, 136, (0,))}
