// Package cuda finds NVIDIA's driver with its cards, and the libraries of CUDA and
// cuDNN that another library needs, wherever they are: the system's folders, or the
// nvidia-* wheels of a Python environment. It loads them by their whole paths, so
// that the other library finds them loaded.
//
// It is for Linux; elsewhere, and in a build without cgo, there is no driver.
package cuda

import (
	"errors"
	"fmt"
	"unsafe"
)

// Errors about what there is not. They say in one line what and where.
var (
	ErrNoDriver  = errors.New("no NVIDIA driver")
	ErrLibraries = errors.New("the libraries of CUDA cannot be used")
)

// Card is a graphics card that CUDA can use.
type Card struct {
	Name  string
	Bytes int64 // of its memory
}

// Driver is NVIDIA's driver and the cards that it lets this process use, in the
// order of their numbers (CUDA_VISIBLE_DEVICES hides some).
type Driver struct {
	Version int // of CUDA, that it runs: 1000·major + 10·minor
	Cards   []Card
}

// CUDA is the version that the driver runs, such as 13.0.
func (d Driver) CUDA() string { return fmt.Sprintf("%d.%d", d.Version/1000, d.Version%1000/10) }

// LoadDriver loads the driver and asks for the cards; errors wrap [ErrNoDriver].
func LoadDriver() (Driver, error) {
	d, err := loadDriver()
	if err != nil {
		return Driver{}, fmt.Errorf("%w: %w", ErrNoDriver, err)
	}
	return d, nil
}

// Memory is the memory of a card, by the runtime of CUDA, and a queue of copies between
// it and the processor's. It may be used by several goroutines.
type Memory struct {
	card   int
	stream unsafe.Pointer
}

// NewMemory is for the card of a number; the libraries must be loaded ([Load]). The error
// may wrap [ErrLibraries].
func NewMemory(card int) (*Memory, error) {
	m := &Memory{card: card}
	err := findRuntime()
	if err == nil {
		err = m.open()
	}
	return m, err
}
