package dataset

// source is where the images of a set come from. Methods may be called from
// many goroutines.
type source interface {
	label(i int) int
}
