package latency

import (
	"context"
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

// openHost opens a device that ssh reaches.
func openHost(ctx context.Context, o DeviceOptions) (Device, error) {
	link, err := RunOn(ctx, o, ServeCommand)
	if err != nil {
		return nil, err
	}
	return NewRemote(ctx, link, o)
}

// RunOn runs a command of this program on the host of the options; what it needs
// is pushed there before. Errors wrap [ssh.ErrHost], or are those of [onnx.Install].
func RunOn(ctx context.Context, o DeviceOptions, command ...string) (*ssh.Session, error) {
	log := o.Log
	if log == nil {
		log = func(string) {}
	}
	if o.Library != "" {
		if _, _, err := onnx.Find(o.Library); err != nil {
			return nil, err
		}
	}
	return ssh.Run(ctx, ssh.Options{
		Host: o.Host, Name: "binas-tui", Variable: onnx.EnvLibrary, Args: command, Log: log,
		Payload: func(ctx context.Context, platform string) (ssh.Payload, error) {
			program, err := programFor(platform)
			if err != nil {
				return ssh.Payload{}, err
			}
			library := onnx.InstallPathFor(platform)
			if o.Library != "" || platform == here {
				lib, _, err := onnx.Find(o.Library)
				if err != nil && o.Library != "" {
					return ssh.Payload{}, err
				}
				library = lib.Path
			}
			if o.Library == "" && !exists(library) {
				log(fmt.Sprintf("downloading ONNX Runtime %s for %s", onnx.LibraryVersion, platform))
				lib, err := onnx.InstallFor(ctx, platform, nil)
				if err != nil {
					return ssh.Payload{}, err
				}
				library = lib.Path
			}
			return ssh.Payload{Program: program, Library: library}, nil
		},
	})
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
