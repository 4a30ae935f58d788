package dataset

import (
	"context"
	"image"
	"io"
)

// source is where the images of a set come from. Methods may be called from
// many goroutines.
type source interface {
	len() int
	label(i int) int
	name(i int) string // for people
	// read returns image i, in room or in memory of its own, as [decodeImage] does. The
	// error is that of the context or says what is wrong with the image.
	read(ctx context.Context, i int, room *image.RGBA, part wantedPart) (image.Image, error)
	unreadable() *unreadable
	// digest adds what identifies the images to h, and returns their size.
	digest(ctx context.Context, h io.Writer) (bytes int64, err error)
}
