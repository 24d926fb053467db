#!/usr/bin/env python3
"""Draws the tileset and writes the maps that come with the game. Standard library only.

    python3 crates/world/maps/generate.py

The same script always writes the same bytes. The results are committed and open in Tiled; who
prefers to draw by hand edits them there and leaves this script alone.
"""

import random
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PX = 16
COLUMNS, ROWS = 8, 2

GRASS, DIRT, STONE, PLANK, BRICK, DOCK, WATER, CLOUD = range(8)
DOOR_TOP, DOOR_BOTTOM, TRUNK, LEAVES, FLOWER, WALLPAPER, BRANCH, SIGN = range(8, 16)
SOLID = (GRASS, DIRT, STONE, BRICK, DOCK)
ONEWAY = (PLANK, CLOUD, BRANCH)


# ---- the picture -------------------------------------------------------------------------


def shade(colour, by):
    return tuple(max(0, min(255, c + by)) for c in colour[:3]) + (255,)


def draw(tile, rng):
    clear = (0, 0, 0, 0)
    speckle = {}
    for i in range(60):
        speckle[(rng.randrange(PX), rng.randrange(PX))] = rng.choice((-14, -8, 8, 14))

    def pixel(x, y):
        noise = speckle.get((x, y), 0)
        dirt = shade((134, 96, 67), noise)
        if tile == GRASS:
            edge = 4 + (x * 7 + 3) % 3
            return shade((92, 160, 72), noise + (18 if y == 0 else 0)) if y < edge else dirt
        if tile == DIRT:
            return dirt
        if tile == STONE:
            seam = y % 8 == 7 or (x + (y // 8) * 6) % 12 == 11
            return shade((120, 124, 134), noise - (26 if seam else 0))
        if tile == PLANK:
            return shade((176, 128, 78), noise - (30 if y == 4 or x == 15 else 0)) if y < 5 else clear
        if tile == BRICK:
            seam = y % 5 == 4 or (x + (y // 5 % 2) * 4) % 8 == 7
            return (94, 58, 54, 255) if seam else shade((168, 92, 80), noise)
        if tile == DOCK:
            return shade((140, 104, 70), noise - (28 if x % 8 == 7 or y == 0 else 0))
        if tile == WATER:
            crest = y < 3 and (x + y * 3) % 8 < 4
            return (150, 200, 232, 220) if crest else shade((62, 122, 182), noise // 2)
        if tile == CLOUD:
            return (240, 246, 252, 255) if y < 6 + (x % 5 > 1) else clear
        if tile in (DOOR_TOP, DOOR_BOTTOM):
            frame = x < 2 or x > 13 or (tile == DOOR_TOP and y < 2)
            knob = tile == DOOR_BOTTOM and 10 <= x <= 11 and 3 <= y <= 4
            if knob:
                return (236, 204, 96, 255)
            return (70, 46, 32, 255) if frame else shade((122, 66, 44), noise - (16 if x == 8 else 0))
        if tile == TRUNK:
            return shade((98, 70, 48), noise) if 4 <= x <= 11 else clear
        if tile == LEAVES:
            return shade((58, 118, 60), noise * 2)
        if tile == FLOWER:
            if (x - 8) ** 2 + (y - 8) ** 2 < 8:
                return (244, 218, 92, 255)
            if (x - 8) ** 2 + (y - 8) ** 2 < 22:
                return (226, 112, 142, 255)
            return (72, 136, 62, 255) if x == 8 and y > 8 else clear
        if tile == WALLPAPER:
            return shade((84, 74, 92), noise // 2)
        if tile == BRANCH:
            return shade((76, 138, 66), noise * 2) if y < 4 else (shade((98, 70, 48), noise) if y < 6 else clear)
        if tile == SIGN:
            if 2 <= x <= 13 and 3 <= y <= 9:
                return shade((186, 142, 92), noise - (40 if y in (5, 7) and 4 <= x <= 11 else 0))
            return (110, 78, 50, 255) if 7 <= x <= 8 and y > 9 else clear
        return clear

    return pixel


def write_png(path):
    width, height = COLUMNS * PX, ROWS * PX
    pictures = [draw(tile, random.Random(1000 + tile)) for tile in range(COLUMNS * ROWS)]
    raw = bytearray()
    for y in range(height):
        raw.append(0)
        for x in range(width):
            raw.extend(pictures[y // PX * COLUMNS + x // PX](x % PX, y % PX))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(raw), 9)) + chunk(b"IEND", b"")
    )


def write_tileset(path):
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<tileset version="1.10" tiledversion="1.11.0" name="tiles" tilewidth="{PX}" tileheight="{PX}" '
        f'tilecount="{COLUMNS * ROWS}" columns="{COLUMNS}">',
        f' <image source="tiles.png" width="{COLUMNS * PX}" height="{ROWS * PX}"/>',
    ]
    for tile in range(COLUMNS * ROWS):
        kind = "solid" if tile in SOLID else "oneway" if tile in ONEWAY else None
        if kind:
            lines += [
                f' <tile id="{tile}">',
                "  <properties>",
                f'   <property name="collision" value="{kind}"/>',
                "  </properties>",
                " </tile>",
            ]
    path.write_text("\n".join(lines + ["</tileset>", ""]))


# ---- the maps ----------------------------------------------------------------------------


class Map:
    def __init__(self, width, height):
        self.width, self.height = width, height
        self.layers = {name: [[-1] * width for _ in range(height)] for name in ("back", "ground", "front")}
        self.spawns, self.doors = [], []

    def put(self, x, y, tile, layer="ground"):
        if 0 <= x < self.width and 0 <= y < self.height:
            self.layers[layer][y][x] = tile

    def box(self, x, y, width, height, tile, layer="ground"):
        for row in range(y, y + height):
            for column in range(x, x + width):
                self.put(column, row, tile, layer)

    def earth(self, x, y, width):
        """Grass at row `y`, dirt down to the lower border."""
        self.box(x, y, width, 1, GRASS)
        self.box(x, y + 1, width, self.height - y - 1, DIRT)

    def spawn(self, name, x, feet):
        self.spawns.append((name, x * PX + PX // 2, feet * PX))

    def door(self, name, x, feet, to_area, to_spawn):
        self.put(x, feet - 2, DOOR_TOP, "back")
        self.put(x, feet - 1, DOOR_BOTTOM, "back")
        self.put(x + 2, feet - 1, SIGN, "back")
        self.doors.append((name, x * PX, (feet - 2) * PX, PX, 2 * PX, to_area, to_spawn))

    def tree(self, x, feet, height):
        for y in range(feet - height, feet):
            self.put(x, y, TRUNK, "back")
        for dy in range(-3, 1):
            reach = 2 if dy in (-2, -1) else 1
            self.box(x - reach, feet - height + dy, 2 * reach + 1, 1, LEAVES, "back")
        self.box(x - 2, feet - height, 5, 1, BRANCH)

    def write(self, path):
        number = len(self.layers) + 2
        objects = len(self.spawns) + len(self.doors)
        out = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<map version="1.10" tiledversion="1.11.0" orientation="orthogonal" renderorder="right-down" '
            f'width="{self.width}" height="{self.height}" tilewidth="{PX}" tileheight="{PX}" infinite="0" '
            f'nextlayerid="{number + 1}" nextobjectid="{objects + 1}">',
            ' <tileset firstgid="1" source="tiles.tsx"/>',
        ]
        for index, (name, rows) in enumerate(self.layers.items(), 1):
            out.append(f' <layer id="{index}" name="{name}" width="{self.width}" height="{self.height}">')
            out.append('  <data encoding="csv">')
            out.append(",\n".join(",".join(str(tile + 1) for tile in row) for row in rows))
            out += ["</data>", " </layer>"]
        out.append(f' <objectgroup id="{number - 1}" name="spawns">')
        for index, (name, x, y) in enumerate(self.spawns, 1):
            out += [f'  <object id="{index}" name="{name}" x="{x}" y="{y}">', "   <point/>", "  </object>"]
        out += [" </objectgroup>", f' <objectgroup id="{number}" name="doors">']
        for index, (name, x, y, width, height, area, spawn) in enumerate(self.doors, len(self.spawns) + 1):
            out += [
                f'  <object id="{index}" name="{name}" x="{x}" y="{y}" width="{width}" height="{height}">',
                "   <properties>",
                f'    <property name="to_area" value="{area}"/>',
                f'    <property name="to_spawn" value="{spawn}"/>',
                "   </properties>",
                "  </object>",
            ]
        out += [" </objectgroup>", "</map>", ""]
        path.write_text("\n".join(out))


def harbor():
    m = Map(120, 40)
    ground = 32
    m.earth(0, ground, 78)
    m.earth(100, ground - 2, 20)
    # The quay, and the water under it.
    m.box(78, ground, 22, 1, DOCK)
    m.box(78, ground + 3, 22, 5, WATER, "front")
    m.box(78, 38, 22, 2, STONE)
    for x in (80, 88, 96):
        m.box(x, ground + 1, 1, 5, TRUNK, "back")
    # A stair, a warehouse with floors of planks, a lookout.
    for step in range(4):
        m.box(24 + 2 * step, ground - 1 - step, 2, step + 1, STONE)
    m.box(32, ground - 4, 3, 4, STONE)
    m.box(44, ground - 15, 16, 15, WALLPAPER, "back")
    m.box(44, ground - 16, 16, 1, BRICK)
    m.box(44, ground - 15, 1, 11, BRICK)
    m.box(59, ground - 15, 1, 11, BRICK)
    for y in (4, 7, 10, 13):
        m.box(46, ground - y, 6 if y % 2 else 12, 1, PLANK)
    for x, y, width in ((8, 4, 5), (14, 7, 5), (8, 10, 5), (64, 4, 6), (70, 7, 6), (82, 4, 5), (88, 7, 5)):
        m.box(x, ground - y, width, 1, PLANK)
    m.box(30, 12, 6, 1, CLOUD)
    m.box(20, 15, 5, 1, CLOUD)
    m.box(74, 18, 2, 5, BRICK)
    for x in (5, 41, 66):
        m.tree(x, ground, 6)
    for x in (3, 11, 22, 38, 63, 72, 103):
        m.put(x, ground - 1 - (2 if x > 100 else 0), FLOWER, "back")
    # Close together: whoever begins here sees who else does.
    m.spawn("start", 15, ground)
    for index, x in enumerate([12, 13, 16, 17, 18, 20, 22], start=1):
        m.spawn(f"start-{index}", x, ground)
    m.door("to-forest", 114, ground - 2, "forest-1", "from-harbor")
    m.spawn("from-forest", 111, ground - 2)
    return m


def forest():
    m = Map(120, 50)
    rng = random.Random(7)
    ground, heights = 42, []
    x = 0
    while x < 120:
        width = rng.randrange(6, 12)
        level = ground - rng.choice((0, 1, 2, 3)) if 8 <= x <= 104 else ground
        m.earth(x, level, min(width, 120 - x))
        heights += [level] * width
        x += width
    for x in range(14, 106, 9):
        m.tree(x, heights[x], rng.randrange(5, 12))
    for x in range(16, 104, 11):
        m.box(x, heights[x] - rng.choice((4, 5, 8)), 4, 1, PLANK)
    m.box(58, 20, 4, 1, CLOUD)
    m.box(50, 24, 5, 1, CLOUD)
    m.box(66, 25, 6, 1, CLOUD)
    for x in range(2, 118, 5):
        m.put(x, heights[x] - 1, FLOWER, "back")
    m.door("to-harbor", 2, ground, "harbor-1", "from-forest")
    m.spawn("from-harbor", 6, heights[6])
    m.door("to-meadow", 115, heights[115], "meadow-1", "from-forest")
    m.spawn("from-meadow", 112, heights[112])
    m.spawn("start", 30, heights[30])
    for index, x in enumerate((40, 60, 80, 100), 1):
        m.spawn(f"start-{index}", x, heights[x])
    return m


def meadow():
    m = Map(1200, 40)
    rng = random.Random(11)
    ground, heights = 33, []
    x = 0
    while x < 1200:
        width = rng.randrange(18, 44)
        level = ground - rng.choice((0, 0, 1, 2)) if 12 <= x <= 1150 else ground
        m.earth(x, level, min(width, 1200 - x))
        heights += [level] * width
        x += width
    for x in range(25, 1180, 29):
        kind = rng.randrange(3)
        if kind == 0:
            m.tree(x, heights[x], rng.randrange(5, 9))
        elif kind == 1:
            m.box(x, heights[x] - 4, 5, 1, PLANK)
            m.box(x + 5, heights[x] - 7, 5, 1, PLANK)
        else:
            m.box(x, heights[x] - 4, 4, 1, PLANK)
    for x in range(1, 1199, 7):
        m.put(x, heights[x] - 1, FLOWER, "back")
    m.door("to-forest", 3, ground, "forest-1", "from-meadow")
    m.spawn("from-forest", 7, heights[7])
    m.spawn("start", 10, heights[10])
    for index, x in enumerate(range(20, 1190, 10), 1):
        m.spawn(f"start-{index}", x, heights[x])
    return m


def void():
    """For areas of a map that nobody has: they are closed, and send everybody on at once."""
    m = Map(24, 16)
    ground = 12
    m.box(0, ground, 24, 4, STONE)
    m.spawn("start", 12, ground)
    m.door("out", 4, ground, "harbor-1", "start")
    return m


def main():
    write_png(HERE / "tiles.png")
    write_tileset(HERE / "tiles.tsx")
    for name, build in (("harbor", harbor), ("forest", forest), ("meadow", meadow), ("void", void)):
        build().write(HERE / f"{name}.tmx")


if __name__ == "__main__":
    main()
