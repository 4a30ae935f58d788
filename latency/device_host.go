package latency

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/adrg/xdg"

	"github.com/binas-tui/binas-tui/internal/ssh"
	"github.com/binas-tui/binas-tui/onnx"
)

// ServeCommand is the command of the program that answers a [Remote].
const ServeCommand = "serve-device"

// openHost opens a device that ssh reaches. A library that is named here is pushed.
// Else another target than the processor is what the host's own library has, or one
// that was pushed before; where there is none, and nothing else is missing there, that
// of this machine is pushed.
func openHost(ctx context.Context, o DeviceOptions) (Device, error) {
	open := func(later bool) (Device, error) {
		link, err := runOn(ctx, o, later, ServeCommand)
		if err != nil {
			return nil, err
		}
		return NewRemote(ctx, link, o)
	}
	if kind := onnx.Target(o.Target).Kind(); o.Library == "" && kind != onnx.CPU {
		none := onnx.ErrNoLibrary
		if kind == onnx.CUDA { // without the provider; the variable may also name what is not there
			none = onnx.ErrNoCUDALibrary
		}
		if d, err := open(true); !errors.Is(err, none) {
			return d, err
		}
	}
	return open(false)
}

// RunOn runs a command of this program on the host of the options; what it needs
// is pushed there before. Errors wrap [ssh.ErrHost], or are those of [onnx.Install].
func RunOn(ctx context.Context, o DeviceOptions, command ...string) (*ssh.Session, error) {
	return runOn(ctx, o, false, command...)
}

// runOn is RunOn; later pushes no library yet.
func runOn(ctx context.Context, o DeviceOptions, later bool, command ...string) (*ssh.Session, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	variable := onnx.EnvPushed
	if o.Library != "" {
		variable = onnx.EnvLibrary
		if _, _, err := onnx.Find(o.Library); err != nil {
			return nil, err
		}
	}
	return ssh.Run(ctx, ssh.Options{
		Host: o.Host, Variable: variable, Args: command, Log: o.Log, LibraryLater: later,
		Payload: func(ctx context.Context, platform string) (p ssh.Payload, err error) {
			if p.Program.Path, err = programFor(platform); err != nil {
				return p, err
			}
			p.Program.Name = "binas-tui"
			p.Library, err = o.library(ctx, platform, later)
			return p, err
		},
	})
}

// library is what of this machine is pushed to a host of a platform: the library and
// what the target needs beside it. Where it is not here it is fetched, but for one that
// is pushed later, if at all.
func (o DeviceOptions) library(ctx context.Context, platform string, later bool) (out []ssh.File, err error) {
	target, lib := onnx.Target(o.Target), onnx.Library{}
	if o.Library != "" || platform == here {
		if lib, _, err = onnx.FindFor(o.Library, target); err != nil && o.Library != "" {
			return nil, err
		}
	}
	if kind := target.Kind(); lib.Path == "" {
		install, what := onnx.InstallFor, ""
		switch kind {
		case onnx.CPU:
			lib.Path = onnx.InstallPathFor(platform)
		case onnx.CUDA:
			lib.Path, install, what = onnx.CUDAInstallPath(), onnx.InstallCUDAFor, " with CUDA, 220 MB,"
		}
		switch {
		case lib.Path == "" && later:
			return nil, nil
		case lib.Path == "":
			return nil, fmt.Errorf("%w: neither %s nor this machine has an ONNX Runtime with %s: --onnxruntime names one to push", onnx.ErrTargetUnavailable, o.Host, kind)
		case !exists(lib.Path) && !later:
			o.Log(fmt.Sprintf("downloading ONNX Runtime %s%s for %s", onnx.LibraryVersion, what, platform))
			if lib, err = install(ctx, platform, nil); err != nil {
				return nil, err
			}
		}
	}
	files, err := lib.Files(target)
	if later && err != nil {
		return nil, nil // it is an error once it is pushed
	}
	for i, f := range files {
		name := filepath.Base(f.Path)
		if i == 0 {
			name = "libonnxruntime.so.1" // whatever it is called here
		}
		out = append(out, ssh.File{Path: f.Path, Name: name, SHA256: f.SHA256})
	}
	return out, err
}

// here is the platform of this machine.
const here = runtime.GOOS + "/" + runtime.GOARCH

// programFor is this program for a platform: itself, or what make cross builds, beside
// it or in the user's cache folder.
func programFor(platform string) (string, error) {
	program, err := os.Executable()
	if err == nil && platform != here {
		name := "binas-tui-" + strings.ReplaceAll(platform, "/", "-")
		beside, cached := filepath.Join(filepath.Dir(program), name), filepath.Join(xdg.CacheHome, "binas-tui", name)
		if program = beside; !exists(beside) {
			program = cached
		}
		if !exists(program) {
			err = fmt.Errorf("%w: there is no program for %s: expected %s or %s, which make cross builds", ErrNoProgram, platform, beside, cached)
		}
	}
	return program, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
