"""Makes images/ and images.json: image files of every kind that is read, and what
PIL's convert("RGB") makes of them (13.0 made those here).

images.json: per file width, height and rgb (hexadecimal). Greys of 16 bits are
taken from the file, as PIL clips them. python3 images.py
"""
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image

W, H = 17, 11
rng = np.random.RandomState(3)
y, x = np.mgrid[0:H, 0:W]
smooth = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x + y) * 255 // (W + H - 2)], -1).astype(np.uint8)
noise = rng.randint(0, 256, (H, W, 3), dtype=np.uint8)
alpha = rng.choice([0, 1, 128, 254, 255], (H, W)).astype(np.uint8)
rgba = np.dstack([noise, alpha])
grey = noise[..., 0]
wide = rng.randint(0, 65536, (H, W, 4)).astype(np.uint16)
wide[..., 3] = rng.choice([0, 1, 32768, 65535], (H, W))
out = {}
os.makedirs('images', exist_ok=True)


def add(name, data, want=None):
    with open('images/' + name, 'wb') as f:
        f.write(data)
    if want is None:
        want = np.asarray(Image.open(io.BytesIO(data)).convert('RGB'))
    h, w, _ = want.shape
    out[name] = {'width': w, 'height': h, 'rgb': want.astype(np.uint8).tobytes().hex()}


def save(name, image, **options):
    b = io.BytesIO()
    image.save(b, **options)
    add(name, b.getvalue())


def png(values, colour, bits, *chunks):
    """A PNG of values [h, w, channels] of 1 to 16 bits, with chunks before the pixels."""
    h, w, c = values.shape
    rows = b''
    for row in values.reshape(h, w * c):
        rows += b'\0' + (row.astype('>u2').tobytes() if bits == 16 else
                         row.astype(np.uint8).tobytes() if bits == 8 else
                         np.packbits(((row[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)).tobytes())
    chunk = lambda name, d: struct.pack('>I', len(d)) + name + d + struct.pack('>I', zlib.crc32(name + d))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, bits, colour, 0, 0, 0)) +
            b''.join(chunk(n, d) for n, d in chunks) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


def high(values):  # the high byte of 16 bits, as libpng's strip_16 and PIL for colours
    v = (values >> 8).astype(np.uint8)
    return np.repeat(v, 3, -1) if v.shape[-1] == 1 else v[..., :3]


palette = rng.randint(0, 256, 768, dtype=np.uint8)
indexes = rng.randint(0, 256, (H, W), dtype=np.uint8)
paletted = Image.fromarray(indexes)
paletted.putpalette(palette.tobytes())

save('rgb.png', Image.fromarray(noise), format='PNG')
save('grey.png', Image.fromarray(grey), format='PNG')
save('rgba.png', Image.fromarray(rgba), format='PNG')
save('la.png', Image.fromarray(np.dstack([grey, alpha]), 'LA'), format='PNG')
save('palette.png', paletted, format='PNG')
save('palette_trns.png', paletted, format='PNG', transparency=bytes([0, 128, 255] + [0] * 100))
for bits in (1, 2, 4):
    few = (grey >> (8 - bits))[..., None]
    add('grey%d.png' % bits, png(few, 0, bits))
    add('grey%d_trns.png' % bits, png(few, 0, bits, (b'tRNS', struct.pack('>H', 1))))
    add('palette%d_trns.png' % bits, png(few, 3, bits, (b'PLTE', palette[:3 << bits].tobytes()), (b'tRNS', bytes([0, 90]))))
add('grey8_trns.png', png(grey[..., None], 0, 8, (b'tRNS', struct.pack('>H', int(grey[0, 0])))))
add('rgb_trns.png', png(noise, 2, 8, (b'tRNS', struct.pack('>HHH', *map(int, noise[2, 3])))))
add('rgb16.png', png(wide[..., :3], 2, 16), high(wide[..., :3]))
add('rgb16_trns.png', png(wide[..., :3], 2, 16, (b'tRNS', struct.pack('>HHH', *map(int, wide[2, 3, :3])))), high(wide[..., :3]))
add('rgba16.png', png(wide, 6, 16), high(wide))
add('grey16.png', png(wide[..., :1], 0, 16), high(wide[..., :1]))
add('grey16_trns.png', png(wide[..., :1], 0, 16, (b'tRNS', struct.pack('>H', int(wide[1, 1, 0])))), high(wide[..., :1]))
add('la16.png', png(wide[..., [0, 3]], 4, 16), high(wide[..., :1]))

for name, sampling in (('444', 0), ('422', 1), ('420', 2)):
    save('smooth%s.jpg' % name, Image.fromarray(smooth), format='JPEG', quality=95, subsampling=sampling)
    save('noise%s.jpg' % name, Image.fromarray(noise), format='JPEG', quality=95, subsampling=sampling)
save('noise420_even.jpg', Image.fromarray(noise[:10, :16]), format='JPEG', quality=95, subsampling=2)
save('noise420_narrow.jpg', Image.fromarray(noise[:, :4]), format='JPEG', quality=95, subsampling=2)
save('noise422_narrow.jpg', Image.fromarray(noise[:, :3]), format='JPEG', quality=95, subsampling=1)
save('progressive.jpg', Image.fromarray(smooth), format='JPEG', quality=95, subsampling=0, progressive=True)
large = np.asarray(Image.fromarray(noise).resize((75, 53)))
for name, options in (('restarts', {'restart_marker_blocks': 3}), ('progressive420', {'progressive': True}), ('progressive_restarts', {'progressive': True, 'restart_marker_rows': 1}), ('coarse', {'quality': 3}),
                      ('optimised', {'optimize': True})):
    save(name + '.jpg', Image.fromarray(large), format='JPEG', subsampling=2, **{'quality': 90, **options})


def sampled(name, width, height, factors):
    """A JPEG of components with other sampling factors: the blocks of a grey one, whose
    prediction goes on from other blocks then; the colours are odd, and are the same."""
    across, down = max(h for h, _ in factors), max(v for _, v in factors)
    units = -(-width // (8 * across)) * -(-height // (8 * down))
    blocks = units * sum(h * v for h, v in factors)
    faint = (128 + (rng.rand(8, 8 * blocks) - 0.5) * 40).astype(np.uint8)
    b = io.BytesIO()
    Image.fromarray(faint).save(b, format='JPEG', quality=90)
    data = bytearray(b.getvalue())
    at = data.index(b'\xff\xc0')
    frame = struct.pack('>HBHHB', 8 + 3 * len(factors), 8, height, width, len(factors))
    frame += b''.join(bytes([i + 1, h << 4 | v, 0]) for i, (h, v) in enumerate(factors))
    end = at + 2 + struct.unpack('>H', data[at + 2:at + 4])[0]
    data[at + 2:end] = frame
    at = data.index(b'\xff\xda')
    scan = struct.pack('>HB', 6 + 2 * len(factors), len(factors)) + b''.join(bytes([i + 1, 0]) for i in range(len(factors))) + b'\0\x3f\0'
    end = at + 2 + struct.unpack('>H', data[at + 2:at + 4])[0]
    data[at + 2:end] = scan
    add(name, bytes(data))


for name, factors in (('440', ((1, 2), (1, 1), (1, 1))), ('411', ((4, 1), (1, 1), (1, 1))), ('410', ((4, 2), (1, 1), (1, 1))), ('14', ((1, 4), (1, 1), (1, 1))), ('24', ((2, 4), (1, 1), (1, 1))),
                      ('31', ((3, 1), (1, 1), (1, 1))), ('22_12', ((2, 2), (1, 2), (1, 2))), ('22_21', ((2, 2), (2, 1), (2, 1))), ('11_21', ((1, 1), (2, 1), (1, 1))), ('22_mixed', ((2, 2), (1, 2), (2, 1)))):
    sampled('samples_%s.jpg' % name, 37, 29, factors)
sampled('samples_440_narrow.jpg', 3, 29, ((1, 2), (1, 1), (1, 1)))
save('rgb.jpg', Image.fromarray(large), format='JPEG', quality=90, keep_rgb=True)
save('grey.jpg', Image.fromarray(smooth[..., 0]), format='JPEG', quality=95)
save('cmyk.jpg', Image.fromarray(smooth).convert('CMYK'), format='JPEG', quality=98, subsampling=0)
exif = Image.Exif()
exif[0x0112] = 6  # turned: neither PIL nor BINAS nor timm turns it back
save('exif6.jpg', Image.fromarray(smooth), format='JPEG', quality=95, subsampling=0, exif=exif)

save('lossless.webp', Image.fromarray(noise), format='WEBP', lossless=True)
save('lossless_rgba.webp', Image.fromarray(rgba), format='WEBP', lossless=True, exact=True)
save('lossy.webp', Image.fromarray(smooth), format='WEBP', quality=90)
save('lossy_noise.webp', Image.fromarray(noise), format='WEBP', quality=90)
save('lossy_even.webp', Image.fromarray(noise[:10, :16]), format='WEBP', quality=60)
save('lossy_rgba.webp', Image.fromarray(np.dstack([smooth, alpha])), format='WEBP', quality=90, exact=True)
save('lossy_1x1.webp', Image.fromarray(noise[:1, :1]), format='WEBP', quality=90)

save('palette.gif', paletted, format='GIF')
save('transparent.gif', paletted, format='GIF', transparency=int(indexes[0, 0]))
save('animated.gif', paletted, format='GIF', save_all=True, append_images=[Image.fromarray(grey)])
b = io.BytesIO()
paletted.save(b, format='GIF', transparency=7)
part = bytearray(b.getvalue())  # the same picture at (2, 1) of a larger whole
part[6:10] = struct.pack('<HH', W + 5, H + 3)
at = part.index(b',' + struct.pack('<HHHH', 0, 0, W, H))
part[at + 1:at + 5] = struct.pack('<HH', 2, 1)
add('part.gif', bytes(part))

save('rgb.bmp', Image.fromarray(noise), format='BMP')
save('rgba.bmp', Image.fromarray(rgba), format='BMP')
save('grey.bmp', Image.fromarray(grey), format='BMP')
save('palette.bmp', paletted, format='BMP')
save('bilevel.bmp', Image.fromarray(grey).convert('1'), format='BMP')

for name, compression in (('raw', None), ('lzw', 'tiff_lzw'), ('deflate', 'tiff_adobe_deflate'), ('packbits', 'packbits')):
    save('rgb_%s.tif' % name, Image.fromarray(noise), format='TIFF', compression=compression)
save('rgba.tif', Image.fromarray(rgba), format='TIFF')
save('grey.tif', Image.fromarray(grey), format='TIFF')
save('palette.tif', paletted, format='TIFF')
save('bilevel_g4.tif', Image.fromarray(grey).convert('1'), format='TIFF', compression='group4')
b = io.BytesIO()
Image.fromarray(rgba).save(b, format='TIFF')
multiplied = b.getvalue().replace(rgba.tobytes(), np.dstack([(noise.astype(int) * alpha[..., None] // 255).astype(np.uint8), alpha]).tobytes())
extra = struct.pack('<HHIHH', 338, 3, 1, 2, 0)
assert extra in multiplied
add('rgba_multiplied.tif', multiplied.replace(extra, struct.pack('<HHIHH', 338, 3, 1, 1, 0)))

with open('images.json', 'w') as f:
    json.dump(out, f, indent=0, sort_keys=True)
