package onnx

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/binas-tui/binas-tui/internal/cuda"
)

// CUDANeeds is what the CUDA provider of a library needs, and what of it was found.
type CUDANeeds struct {
	Provider  string // file of the provider, beside the library; "" where there is none yet
	Version   int    // major, of CUDA; 0 is not known
	Libraries []cuda.Library
	Places    []cuda.Place // that were looked at

	Driver    cuda.Driver
	DriverErr error // why there is none
}

// CUDA looks for what the CUDA provider of a library needs: the driver, CUDA and
// cuDNN. It loads no more than the driver. The error says that the library has no
// such provider, or none for this machine; it wraps [ErrTargetUnavailable].
func (l Library) CUDA(ctx context.Context) (CUDANeeds, error) {
	n := CUDANeeds{Provider: filepath.Join(filepath.Dir(l.Path), cudaProvider)}
	if !exists(n.Provider) {
		return n, fmt.Errorf("%w: %s has no CUDA provider beside it (%s); to install one that has: binas-tui doctor --install-onnxruntime cuda", ErrTargetUnavailable, l.Path, cudaProvider)
	}
	names, err := cuda.Needs(n.Provider)
	if err != nil {
		return n, fmt.Errorf("%w: %w", ErrTargetUnavailable, err)
	}
	n.look(ctx, names)
	return n, nil
}

// CUDAOfInstall is what the library that [InstallCUDA] fetches needs, by what is known
// of it: it need not be there.
func CUDAOfInstall(ctx context.Context) (n CUDANeeds) {
	n.look(ctx, cudaWheel.needs)
	return n
}

// look looks for the driver, and for libraries of CUDA and cuDNN.
func (n *CUDANeeds) look(ctx context.Context, names []string) {
	n.Version, n.Places = cuda.Major(names), cuda.Places(ctx)
	n.Libraries = cuda.Look(names, n.Places)
	n.Driver, n.DriverErr = cuda.LoadDriver()
}

// missing says what is in the way of a target on cards before there is a library
// with its provider; the error wraps [ErrTargetUnavailable].
func (n CUDANeeds) missing(t Target) error {
	_, card := t.split()
	if err := n.Check(card); err != nil {
		return err
	}
	if err := cuda.Found(n.Libraries); err != nil {
		return fmt.Errorf("%w: %w; %s", ErrTargetUnavailable, err, n.Remedy())
	}
	return nil
}

// Text is what is needed, in words: CUDA 13 and cuDNN 9.
func (n CUDANeeds) Text() string {
	text := fmt.Sprintf("CUDA %d", n.Version)
	for _, l := range n.Libraries {
		if version, ok := strings.CutPrefix(l.Name, "libcudnn.so."); ok {
			text += " and cuDNN " + version
		}
	}
	return text
}

// Remedy says how to come by libraries that are missing.
func (n CUDANeeds) Remedy() string {
	return fmt.Sprintf("install %s, or in a Python environment: pip install nvidia-cuda-runtime nvidia-cublas nvidia-cufft nvidia-curand nvidia-cuda-nvrtc nvidia-cudnn-cu%d", n.Text(), n.Version)
}

// Check says what is in the way of the card with a number; the error wraps
// [ErrTargetUnavailable].
func (n CUDANeeds) Check(card int) error {
	var err error
	switch d := n.Driver; {
	case n.DriverErr != nil:
		err = n.DriverErr
	case d.Version/1000 < n.Version:
		err = fmt.Errorf("the driver runs CUDA up to %s, and this ONNX Runtime needs CUDA %d: a newer driver is needed", d.CUDA(), n.Version)
	case len(d.Cards) == 0:
		err = errors.New("the driver finds no card")
	case card >= len(d.Cards):
		err = fmt.Errorf("there is no card %d: found %s", card, n.Cards())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTargetUnavailable, err)
	}
	return nil
}

// Cards lists the cards as they are chosen: cuda (NVIDIA L4, 23034 MiB), cuda:1 ...
func (n CUDANeeds) Cards() string {
	var cards []string
	for i, c := range n.Driver.Cards {
		cards = append(cards, fmt.Sprintf("%s (%s, %d MiB)", CUDA.Number(i), c.Name, c.Bytes>>20))
	}
	return strings.Join(cards, ", ")
}

// loadCUDA loads what the CUDA provider of the library in use needs, once, and says
// what is in the way.
var loadCUDA = sync.OnceValues(func() (CUDANeeds, error) {
	lib, ok := Loaded()
	if !ok {
		return CUDANeeds{}, ErrNotLoaded
	}
	n, err := lib.CUDA(context.Background())
	if err == nil {
		err = n.Check(0)
	}
	if err == nil {
		if err = cuda.Load(n.Libraries); err != nil {
			err = fmt.Errorf("%w: %w; %s", ErrTargetUnavailable, err, n.Remedy())
		}
	}
	return n, err
})
