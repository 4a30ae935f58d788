package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
)

// A WebP file is RIFF chunks, one of which is the picture: VP8 (lossy) or VP8L
// (lossless). The alpha of a lossy picture is in a chunk of its own, which is not
// read. golang.org/x/image/webp believes the size that the file says beside the
// picture's, and takes its colours for those of JPEG, which have another range.

var errAnimated = errors.New("it is animated: expected one picture")

// webpPicture finds the chunk of the picture and says whether it is lossless.
func webpPicture(r io.Reader) (picture []byte, lossless bool, err error) {
	data, err := io.ReadAll(r) // it is in memory already
	if err != nil {
		return nil, false, err
	}
	const header, chunkHeader = 12, 8
	if len(data) < header {
		return nil, false, io.ErrUnexpectedEOF
	}
	for data = data[header:]; len(data) >= chunkHeader; {
		name, size := string(data[:4]), int64(binary.LittleEndian.Uint32(data[4:]))
		chunk := data[chunkHeader:]
		chunk = chunk[:min(int64(len(chunk)), size)]
		switch name {
		case "VP8 ", "VP8L":
			return chunk, name == "VP8L", nil
		case "ANMF":
			return nil, false, errAnimated
		}
		next := chunkHeader + size + size&1
		if next >= int64(len(data)) {
			break
		}
		data = data[next:]
	}
	return nil, false, io.ErrUnexpectedEOF
}

func webpConfig(r io.Reader) (image.Config, error) {
	picture, lossless, err := webpPicture(r)
	if err != nil {
		return image.Config{}, err
	}
	if lossless {
		return vp8l.DecodeConfig(bytes.NewReader(picture))
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(picture), len(picture))
	h, err := d.DecodeFrameHeader()
	return image.Config{ColorModel: color.RGBAModel, Width: h.Width, Height: h.Height}, err
}

func webpDecode(r io.Reader) (image.Image, error) {
	picture, lossless, err := webpPicture(r)
	if err != nil {
		return nil, err
	}
	if lossless {
		return vp8l.Decode(bytes.NewReader(picture))
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(picture), len(picture))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, err
	}
	m, err := d.DecodeFrame()
	if err != nil {
		return nil, err
	}
	return fromVP8(m), nil
}

// fromVP8 turns the colours of VP8, BT.601 of 16 to 235 with one chroma sample
// for four pixels, to RGB, to the bit as libwebp does: chroma is interpolated
// with weights 9, 3, 3, 1.
func fromVP8(m *image.YCbCr) *image.RGBA {
	b := m.Rect
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	columns, rows := (b.Dx()+1)/2, (b.Dy()+1)/2
	for y := range b.Dy() {
		near, far := nearFar(y, rows)
		for x := range b.Dx() {
			left, right := nearFar(x, columns)
			chroma := func(c []byte) int {
				return interpolate(c[near*m.CStride+left], c[near*m.CStride+right], c[far*m.CStride+left], c[far*m.CStride+right])
			}
			u, v := chroma(m.Cb), chroma(m.Cr)
			luma := int(m.Y[y*m.YStride+x]) * 19077 >> 8
			setPixel(out.Pix[out.PixOffset(x, y):],
				clip6(luma+v*26149>>8-14234), clip6(luma-u*6419>>8-v*13320>>8+8708), clip6(luma+u*33050>>8-17685))
		}
	}
	return out
}

// nearFar are the positions of the nearest and of the second nearest of n chroma
// samples to pixel i, along one side.
func nearFar(i, n int) (near, far int) {
	near = i / 2
	return near, min(max(near+2*(i&1)-1, 0), n-1)
}

// interpolate weighs the nearest sample, its two neighbours and the one across,
// rounding as libwebp does.
func interpolate(near, beside, below, across byte) int {
	diagonal := (int(near) + 3*int(beside) + 3*int(below) + int(across) + 8) >> 3
	return (diagonal + int(near)) >> 1
}

// clip6 is a value with 6 bits behind the point as a byte.
func clip6(v int) byte { return byte(min(max(v>>6, 0), 255)) }
