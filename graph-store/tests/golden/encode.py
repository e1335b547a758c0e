"""A second implementation of the segment format, written from its documentation: makes the .hex files beside it.

The lists are those of `small`, `packed` and others in tests/it/segment.rs. Not run by the tests: the bytes of a release never change.
"""

import pathlib
import struct

IMPORTED = 1_767_225_600
BASE_VERSION, REVISION, NUMBER, SLOT, SLOTS = 1000, 2000, 12, 7, 64
TIME_ORDERED_ENTRIES = 4096


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def u32s(numbers):
    return b"".join(struct.pack("<I", number) for number in numbers)


def varint(number):
    head = b""
    while number >= 0x80:
        head += bytes([number & 0x7F | 0x80])
        number >>= 7
    return head + bytes([number])


def packed(numbers, width):
    return [number >> bit & 1 for number in numbers for bit in range(width)]


def grouped(numbers, low_bits, base):
    bits = []
    for start in range(0, len(numbers), 8):
        group = numbers[start : start + 8]
        digits = sum((number >> low_bits) * base**place for place, number in enumerate(group))
        bits += packed([digits], (base ** len(group) - 1).bit_length())
        bits += packed([number & (1 << low_bits) - 1 for number in group], low_bits)
    return bits


def radix(greatest):
    low_bits = max(greatest.bit_length() - 7, 0)
    return low_bits, (greatest >> low_bits) + 1


def to_bytes(bits):
    starts = range(0, len(bits), 8)
    return bytes(sum(bit << i for i, bit in enumerate(bits[start : start + 8])) for start in starts)


def elias_fano(ids, low_bits):
    highs = [id >> low_bits for id in ids]
    samples = [sum(high < 512 * k for high in highs) for k in range(1, highs[-1] // 512 + 1)]
    ones = {rank + high for rank, high in enumerate(highs)}
    unary = [int(bit in ones) for bit in range(len(ids) + highs[-1])]
    low = packed([id & (1 << low_bits) - 1 for id in ids], low_bits)
    return b"".join(struct.pack("<H", sample) for sample in samples) + to_bytes(low + unary)


def list_entry(version, ids):
    low_bits, form = 0, b""
    if ids:
        near = ((ids[-1] + 1) // len(ids)).bit_length() - 1
        forms = [(low_bits, elias_fano(ids, low_bits)) for low_bits in range(min(near + 1, 31), max(near - 1, 0) - 1, -1)]
        low_bits, form = min(forms, key=lambda form: len(form[1]))
    delta = version - BASE_VERSION
    head = bytes([low_bits | 0x20]) + varint(delta) if delta else bytes([low_bits])
    return head + varint(len(ids)) + form


def by_time(differences, low_bits):
    edges = sorted((difference, position) for position, difference in enumerate(differences))
    highs = [difference >> low_bits for difference, _ in edges]
    low = to_bytes(packed([difference & (1 << low_bits) - 1 for difference, _ in edges], low_bits))
    positions = to_bytes(packed([position for _, position in edges], (len(edges) - 1).bit_length()))
    ones = {rank + high for rank, high in enumerate(highs)}
    unary = to_bytes([int(bit in ones) for bit in range(len(edges) + highs[-1])])
    return u32s(highs[512::512]) + low + positions + unary


def times_entry(times):
    if set(times) <= {IMPORTED}:
        return b""
    if len(times) == 1:
        return u32s(times)
    minimum = min(times)
    differences = [time - minimum for time in times]
    difference = minimum - IMPORTED
    folded = 2 * difference if difference >= 0 else -2 * difference - 1
    if len(times) < TIME_ORDERED_ENTRIES or not any(differences):
        width = max(differences).bit_length()
        low_bits, base = radix(max(differences))
        whole = to_bytes(packed(differences, width))
        groups = bytes([base - 1]) + to_bytes(grouped(differences, low_bits, base))
        if len(groups) < len(whole):
            return bytes([0x80 | low_bits]) + varint(folded) + groups
        return bytes([width]) + varint(folded) + whole
    forms = [(low_bits, by_time(differences, low_bits)) for low_bits in range(31, 7, -1)]
    low_bits, form = min(forms, key=lambda form: len(form[1]))
    return bytes([0x40 | low_bits]) + varint(folded) + form


def weights_entry(weights):
    if set(weights) <= {1.0}:
        return b""
    return b"".join(struct.pack("<d", weight) for weight in (weights[:1] if len(set(weights)) == 1 else weights))


def ascending_block(numbers):
    first, last = numbers[0], numbers[-1] - numbers[0]
    if last == len(numbers) - 1:
        return b""
    low_bits = min(range(56, -1, -1), key=lambda low_bits: len(numbers) * low_bits + (last >> low_bits))
    low = packed([number - first & (1 << low_bits) - 1 for number in numbers], low_bits)
    ones = {place + (number - first >> low_bits) for place, number in enumerate(numbers)}
    high = [int(bit in ones) for bit in range(len(numbers) + (last >> low_bits))]
    block = to_bytes(packed([low_bits], 8) + low + high)
    return block.ljust((len(block) + 7) // 8 * 8, b"\0")


def ascending(numbers):
    parts = [numbers[start : start + 256] for start in range(0, len(numbers), 256)]
    blocks = [ascending_block(part) for part in parts]
    ends = [sum(map(len, blocks[: i + 1])) // 8 for i in range(len(blocks))]
    firsts = b"".join(struct.pack("<Q", part[0]) for part in parts)
    return firsts + u32s(ends) + b"".join(blocks)


def index_form(ordinals, entries, payload):
    if ordinals >= 256 and payload <= 64 * ordinals and ordinals < 4 * entries:
        return 2
    return 0 if ordinals <= 2 * entries else 1


def table(magic, base, parameter, lists, entry_of):
    entries = {ordinal: entry_of(*content) for ordinal, content in lists.items()}
    entries = {ordinal: entry for ordinal, entry in sorted(entries.items()) if entry}
    ordinals = max(lists) + 1
    form = index_form(ordinals, len(entries), sum(map(len, entries.values())))
    places = entries if form == 1 else range(ordinals)
    offsets = [0]
    for ordinal in places:
        offsets.append(offsets[-1] + len(entries.get(ordinal, b"")))
    if form == 2:
        index = ascending([place + offset for place, offset in enumerate(offsets)])
    else:
        index = u32s(entries) * form + u32s(offsets)
    file = bytes(128) + b"".join(entries.values()) + index
    checksums = u32s(crc32c(file[max(start, 128) : start + 4096]) for start in range(0, len(file), 4096))
    lengths = [len(ids) for _, ids, _ in lists.values()]
    version = 2 if magic == b"ROOSTTIM" else 1
    header = magic + struct.pack("<IBBBBHHI", version, 0, 0, form, 0, SLOT, SLOTS, crc32c(checksums))
    counts = (ordinals, len(lists), sum(lengths), max(lengths), len(entries), offsets[-1])
    packed_index = len(index) if form == 2 else 0
    header += struct.pack("<11Q", NUMBER, REVISION, base, *counts, parameter, packed_index)
    header = header.ljust(124, b"\0")
    return header + u32s([crc32c(header)]) + file[128:] + checksums


def small(first, second, third, fourth):
    return {
        first: (BASE_VERSION, [3, 64, 1000, 70_000], [IMPORTED] * 4),
        second: (BASE_VERSION + 77, [1, 2, 5_000_000], [IMPORTED, IMPORTED - 60, IMPORTED + 3600]),
        third: (BASE_VERSION + 300, [], []),
        fourth: (BASE_VERSION, [i * i * 11 for i in range(90)], [IMPORTED] * 90),
    }


def write(name, file):
    lines = (file[start : start + 16].hex(" ") for start in range(0, len(file), 16))
    pathlib.Path(__file__).with_name(name).write_text("\n".join(lines) + "\n")


def long():
    times = [IMPORTED + i * i % 10_007 * 15_000 for i in range(TIME_ORDERED_ENTRIES)]
    return {3: (BASE_VERSION, [i * 3 for i in range(TIME_ORDERED_ENTRIES)], times)}


def grouped_times():
    times = [IMPORTED + i * 7_654_321 % 157_000_000 for i in range(30)]
    return {2: (BASE_VERSION, [i * 5 for i in range(30)], times)}


def packed_lists():
    lists = {}
    for i in range(110):
        ids = [i, 1000 + i * i] if i % 3 == 0 else [i * i * 7]
        lists[i * 5 // 2] = (BASE_VERSION + i % 4, ids, [IMPORTED + i * 60 + id % 7 for id in ids])
    return lists


def lists_file(lists):
    return table(b"ROOSTSEG", BASE_VERSION, 0, lists, lambda version, ids, _: list_entry(version, ids))


def times_file(lists):
    return table(b"ROOSTTIM", IMPORTED, TIME_ORDERED_ENTRIES, lists, lambda _, __, times: times_entry(times))


for form, ordinals in [("dense", (0, 1, 2, 4)), ("sparse", (5, 80, 81, 1_000_000))]:
    write(f"{form}.segment.hex", lists_file(small(*ordinals)))
    write(f"{form}.times.hex", times_file(small(*ordinals)))
write("packed.segment.hex", lists_file(packed_lists()))
write("packed.times.hex", times_file(packed_lists()))
write("long.times.hex", times_file(long()))
write("groups.times.hex", times_file(grouped_times()))
weights = {(3, 64, 1000, 70_000): [1.0, -2.5, 0.0, 1e300], (1, 2, 5_000_000): [0.5] * 3}
entry_of = lambda _, ids, __: weights_entry(weights.get(tuple(ids), []))
write("dense.weights.hex", table(b"ROOSTWEI", 0, 0, small(0, 1, 2, 4), entry_of))
