package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Tags of TIFF, and what they say.
const (
	tiffWidth, tiffHeight                 = 256, 257
	tiffCompression, packBits             = 259, 32773
	tiffPhotometric, blackIsZero          = 262, 1
	tiffStripOffsets, tiffRowsPerStrip    = 273, 278
	tiffStripBytes                        = 279
	tiffTileWidth, tiffTileHeight         = 322, 323
	tiffTileOffsets, tiffTileBytes        = 324, 325
	tiffLast                              = 339 // tag that the decoder reads
	tiffBytesPerPixel                     = 8   // at most
	tiffEntry, tiffCountAt, tiffValueAt   = 12, 4, 8
	tiffByte, tiffShort, tiffLong, maxIFD = 1, 3, 4, 1 << 20
)

var errTIFF = errors.New("a header that contradicts itself")

// prepareTIFF refuses a TIFF file whose header makes golang.org/x/image/tiff take
// memory out of proportion: blocks larger than an image may be, blocks that share
// their data or unpack to more than a block, lists without end. A strip of more
// rows than the image has, which writers use for "one strip", becomes one of its
// height. CCITT codes (compression 2 to 4) have white as 0, as libtiff and PIL
// read them; the decoder has it as white even where 0 is said to be black.
func prepareTIFF(data []byte) (negative bool, err error) {
	h, err := readTIFFHeader(data)
	if err != nil {
		return false, err
	}
	compression := h.first(tiffCompression)
	negative = compression >= 2 && compression <= 4 && h.first(tiffPhotometric) == blackIsZero
	width, height := h.first(tiffWidth), h.first(tiffHeight)
	if width < 1 || height < 1 || width > maxPixels || height > maxPixels/width {
		return false, nil // refused by its size
	}
	blockWidth, blockHeight, offsets, sizes := width, height, h.values[tiffStripOffsets], h.values[tiffStripBytes]
	if h.first(tiffTileWidth) != 0 {
		blockWidth, blockHeight, offsets, sizes = h.first(tiffTileWidth), h.first(tiffTileHeight), h.values[tiffTileOffsets], h.values[tiffTileBytes]
		if blockWidth > maxPixels || blockHeight < 1 || blockWidth > maxPixels/blockHeight {
			return false, fmt.Errorf("tiles of %dx%d pixels, expected at most %d", blockWidth, blockHeight, maxPixels)
		}
	} else if rows := h.first(tiffRowsPerStrip); rows > height {
		h.setFirst(tiffRowsPerStrip, height)
	} else if rows != 0 {
		blockHeight = rows
	}
	if len(sizes) > len(offsets) {
		sizes = sizes[:len(offsets)]
	}
	total := int64(0)
	for i, size := range sizes {
		if total += size; total > int64(len(data)) {
			return false, fmt.Errorf("%w: more bytes of pixels than the file has", errTIFF)
		}
		if compression != packBits {
			continue
		}
		if offsets[i] > int64(len(data))-size {
			return false, io.ErrUnexpectedEOF
		}
		if packBitsLen(data[offsets[i]:][:size]) > blockWidth*blockHeight*tiffBytesPerPixel {
			return false, fmt.Errorf("%w: a block that is more than a block when it is unpacked", errTIFF)
		}
	}
	return negative, nil
}

// packBitsLen is how many bytes PackBits data unpacks to.
func packBitsLen(data []byte) (n int64) {
	for i := 0; i < len(data); {
		switch code := int(int8(data[i])); {
		case code >= 0: // code+1 bytes as they are
			n += int64(code) + 1
			i += code + 2
		case code == -128:
			i++
		default: // one byte, 1-code times
			n += int64(1 - code)
			i += 2
		}
	}
	return n
}

// tiffHeader is the first directory of a TIFF file.
type tiffHeader struct {
	order  binary.ByteOrder
	values map[int][]int64
	entry  map[int][]byte
}

func (h tiffHeader) first(tag int) int64 {
	if v := h.values[tag]; len(v) > 0 {
		return v[0]
	}
	return 0
}

// setFirst changes the one value of an entry in the file.
func (h tiffHeader) setFirst(tag int, v int64) {
	e := h.entry[tag]
	switch h.order.Uint16(e[2:]) {
	case tiffShort:
		h.order.PutUint16(e[tiffValueAt:], uint16(v))
	case tiffLong:
		h.order.PutUint32(e[tiffValueAt:], uint32(v))
	}
}

// readTIFFHeader reads the entries that are lists of whole numbers. All lists
// together have maxIFD values at most, and lie in the file.
func readTIFFHeader(data []byte) (tiffHeader, error) {
	h := tiffHeader{order: binary.LittleEndian, values: map[int][]int64{}, entry: map[int][]byte{}}
	if data[0] == 'M' {
		h.order = binary.BigEndian
	}
	at, end := int64(0), int64(len(data))
	if end < 8 {
		return h, io.ErrUnexpectedEOF
	}
	if at = int64(h.order.Uint32(data[4:])); at > end-2 {
		return h, io.ErrUnexpectedEOF
	}
	entries := int64(h.order.Uint16(data[at:]))
	if at += 2; entries*tiffEntry > end-at {
		return h, io.ErrUnexpectedEOF
	}
	left := int64(maxIFD)
	for i := range entries {
		e := data[at+i*tiffEntry:][:tiffEntry]
		if h.order.Uint16(e) > tiffLast {
			continue
		}
		size, count := int64(0), int64(h.order.Uint32(e[tiffCountAt:]))
		if left -= count; left < 0 {
			return h, fmt.Errorf("%w: more than %d values", errTIFF, maxIFD)
		}
		switch h.order.Uint16(e[2:]) {
		case tiffByte:
			size = 1
		case tiffShort:
			size = 2
		case tiffLong:
			size = 4
		default:
			continue
		}
		list := e[tiffValueAt:]
		if size*count > int64(len(list)) {
			from := int64(h.order.Uint32(list))
			if from > end-size*count {
				return h, io.ErrUnexpectedEOF
			}
			list = data[from:]
		}
		values := make([]int64, count)
		for j := range values {
			switch v := list[int64(j)*size:]; size {
			case 1:
				values[j] = int64(v[0])
			case 2:
				values[j] = int64(h.order.Uint16(v))
			case 4:
				values[j] = int64(h.order.Uint32(v))
			}
		}
		tag := int(h.order.Uint16(e))
		h.values[tag], h.entry[tag] = values, e
	}
	return h, nil
}
