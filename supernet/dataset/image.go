package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// Bounds of an image file.
const (
	maxImageBytes = 128 << 20
	maxPixels     = 1 << 26
)

// imageFormat is a format of image files, known by how files begin.
type imageFormat struct {
	name   string
	magic  string // ? is any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	// prepare checks a file before it is decoded, and may change it; nil does
	// nothing. It says whether the decoder makes a negative of the image.
	prepare func(data []byte) (negative bool, err error)
}

var imageFormats = []imageFormat{
	{"JPEG", "\xff\xd8\xff", jpegConfig, nil, nil}, // jpegDecode
	{"PNG", "\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode, nil},
	{"WebP", "RIFF????WEBP", webpConfig, webpDecode, nil},
	{"GIF", "GIF8?a", gif.DecodeConfig, gif.Decode, nil},
	{"BMP", "BM????\x00\x00\x00\x00", bmp.DecodeConfig, bmp.Decode, nil},
	{"TIFF", "II*\x00", tiff.DecodeConfig, tiff.Decode, prepareTIFF},
	{"TIFF", "MM\x00*", tiff.DecodeConfig, tiff.Decode, prepareTIFF},
}

// magicBytes is how much of a file [formatOf] looks at.
const magicBytes = 16

// formatOf is the format that a file which begins so has, or nil.
func formatOf(head []byte) *imageFormat {
	for i := range imageFormats {
		if f := &imageFormats[i]; f.begins(head) {
			return f
		}
	}
	return nil
}

func (f *imageFormat) begins(head []byte) bool {
	if len(head) < len(f.magic) {
		return false
	}
	for i := range len(f.magic) {
		if f.magic[i] != '?' && f.magic[i] != head[i] {
			return false
		}
	}
	return true
}

// decodeImage decodes an image, which is opaque: what is transparent keeps the
// colour that it has in the file, as in PIL's convert("RGB"), and does not become
// black. It is an *image.RGBA or *image.Gray, in room or in memory of its own, of
// which the part that is wanted is decoded at least. The size of an image is looked
// at before memory is taken for it. data may be changed.
func decodeImage(ctx context.Context, data []byte, room *image.RGBA, part wantedPart) (image.Image, error) {
	f := formatOf(data)
	if f == nil {
		if len(data) == 0 {
			return nil, errors.New("the file is empty")
		}
		return nil, fmt.Errorf("it begins with %q, expected JPEG, PNG, WebP, GIF, BMP or TIFF", data[:min(len(data), magicBytes)])
	}
	if f.decode == nil {
		m, err := jpegDecode(ctx, data, room, part)
		if err != nil {
			return nil, imageError(f, err)
		}
		return m, nil
	}
	negative := false
	if f.prepare != nil {
		var err error
		if negative, err = f.prepare(data); err != nil {
			return nil, imageError(f, err)
		}
	}
	config, err := f.config(stoppingAt{ctx, bytes.NewReader(data)})
	if err != nil {
		return nil, imageError(f, err)
	}
	w, h := config.Width, config.Height
	if w < 1 || h < 1 || w > maxPixels/h {
		return nil, fmt.Errorf("%s of %dx%d pixels, expected at most %d", f.name, w, h, maxPixels)
	}
	part.of(image.Rect(0, 0, w, h))
	if f.name == "GIF" {
		return decodeGIF(ctx, f, data, image.Rect(0, 0, w, h), room)
	}
	m, err := f.decode(stoppingAt{ctx, bytes.NewReader(data)})
	if err != nil {
		return nil, imageError(f, err)
	}
	if m.Bounds() != image.Rect(0, 0, w, h) {
		return nil, fmt.Errorf("%s of %dx%d pixels that says it had %dx%d", f.name, m.Bounds().Dx(), m.Bounds().Dy(), w, h)
	}
	if grey, is := m.(*image.Gray); is && negative {
		for i, v := range grey.Pix {
			grey.Pix[i] = 255 - v
		}
	}
	return opaque(m, room), nil
}

// imageError is the error of a decoder with the format before it, once.
func imageError(f *imageFormat, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s that ends too early", f.name)
	}
	return fmt.Errorf("%s: %s", f.name, strings.TrimPrefix(err.Error(), strings.ToLower(f.name)+": "))
}

// stoppingAt is a reader of a file in memory that ends with its context.
type stoppingAt struct {
	ctx context.Context
	*bytes.Reader
}

func (s stoppingAt) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

func (s stoppingAt) ReadAt(p []byte, at int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.ReadAt(p, at)
}

// decodeGIF decodes the first picture of a GIF as large as the whole. Around it
// is the transparent colour, or the first one.
func decodeGIF(ctx context.Context, f *imageFormat, data []byte, whole image.Rectangle, room *image.RGBA) (image.Image, error) {
	around := keepTransparentColour(data)
	m, err := f.decode(stoppingAt{ctx, bytes.NewReader(data)})
	if err != nil {
		return nil, imageError(f, err)
	}
	picture, ok := m.(*image.Paletted)
	if !ok || picture.Rect == whole {
		return opaque(m, room), nil
	}
	colours := opaqueColours(picture.Palette)
	reshape(room, whole.Dx(), whole.Dy())
	for i := 0; i < len(room.Pix); i += 4 {
		copy(room.Pix[i:], colours[around][:])
	}
	for y := picture.Rect.Min.Y; y < picture.Rect.Max.Y; y++ {
		for x := picture.Rect.Min.X; x < picture.Rect.Max.X; x++ {
			copy(room.Pix[room.PixOffset(x, y):], colours[picture.ColorIndexAt(x, y)][:])
		}
	}
	return room, nil
}

// keepTransparentColour takes from a GIF that one colour is transparent, which
// the decoder would make black, and returns that colour's index, 0 if there is
// none. What is no GIF is left as it is.
func keepTransparentColour(data []byte) (index byte) {
	const header, colourTable = 13, 0x80
	if len(data) < header {
		return 0
	}
	at := header
	if flags := data[10]; flags&colourTable != 0 {
		at += 3 << (flags&7 + 1)
	}
	for at+8 <= len(data) && data[at] == '!' { // an extension: its label, then blocks
		if data[at+1] == 0xF9 && data[at+2] == 4 { // graphic control
			if flags := &data[at+3]; *flags&1 != 0 {
				*flags &^= 1
				index = data[at+6]
			}
		}
		for at += 2; at < len(data) && data[at] != 0; {
			at += 1 + int(data[at])
		}
		at++
	}
	return index
}
