package onnx

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Target is what a model runs on, an execution provider of ONNX Runtime, with the
// number of the device where there are several: cuda is the first, cuda:1 the next.
type Target string

// The targets this program knows. The library that [Install] fetches has CPU
// everywhere, CoreML on macOS and DirectML on Windows; that of [InstallCUDA] CUDA.
const (
	CPU      Target = "cpu"
	CUDA     Target = "cuda"
	TensorRT Target = "tensorrt"
	CoreML   Target = "coreml"
	DirectML Target = "directml"
	OpenVINO Target = "openvino"
	WebGPU   Target = "webgpu"
	XNNPACK  Target = "xnnpack"
)

// provider is what is known of a target.
type provider struct {
	target   Target
	ort      string // its name in ONNX Runtime's own words
	numbered bool   // there may be several devices
	// shares: operators that it lacks run on the processor, beside which it is meant
	// to work. Others take all of a network, or refuse it.
	shares bool
	halves bool // it computes in fp16
	loud   bool // to ask for it writes to standard error where the machine has none
	async  bool // runs are not over when operators return: their times say nothing

	files []string // libraries of the provider, beside ONNX Runtime's; none where it is a part of that
}

var providers = []provider{
	{target: CPU},
	{target: CUDA, numbered: true, halves: true, async: true, files: []string{cudaProvider, sharedProvider}},
	{target: TensorRT, numbered: true, halves: true, async: true, files: []string{"libonnxruntime_providers_tensorrt.so", cudaProvider, sharedProvider}},
	{target: CoreML, ort: "CoreML", shares: true, halves: true},
	{target: DirectML, ort: "DML", numbered: true, halves: true, async: true},
	{target: OpenVINO, ort: "OpenVINO", shares: true, files: []string{"libonnxruntime_providers_openvino.so", sharedProvider}},
	{target: WebGPU, ort: "WebGPU", halves: true, loud: true, async: true},
	{target: XNNPACK, ort: "XNNPACK", shares: true},
}

// Targets lists the known targets.
func Targets() []Target {
	var out []Target
	for _, p := range providers {
		out = append(out, p.target)
	}
	return out
}

// ErrTargetUnavailable is wrapped by errors about a target that the loaded
// library or this machine does not have.
var ErrTargetUnavailable = errors.New("target is not available")

// maxNumber bounds the numbers of devices.
const maxNumber = 255

// ParseTarget reads the name of a target; empty is cpu.
func ParseTarget(name string) (Target, error) {
	base, number, numbered := strings.Cut(name, ":")
	i := slices.IndexFunc(providers, func(p provider) bool { return base == string(p.target) })
	switch {
	case name == "":
		return CPU, nil
	case i < 0:
		return "", fmt.Errorf("device %.40q: expected one of %v", name, Targets())
	case !numbered:
		return Target(name), nil
	case !providers[i].numbered:
		return "", fmt.Errorf("device %.40q: %s has no numbers", name, base)
	}
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil {
		return "", fmt.Errorf("device %.40q: expected %s:0 to %[2]s:%d", name, base, maxNumber)
	}
	return Target(base).Number(int(n)), nil
}

// Number is the n-th device of a target.
func (t Target) Number(n int) Target {
	if n == 0 {
		return t
	}
	return t + Target(":"+strconv.Itoa(n))
}

// split is the provider of a target, and the number of the device.
func (t Target) split() (provider, int) {
	base, number, _ := strings.Cut(string(t), ":")
	n, _ := strconv.Atoi(number) // none is the first
	for _, p := range providers {
		if string(p.target) == base {
			return p, n
		}
	}
	return providers[0], n
}

// File is one of a library; its SHA-256 is "" where it is not known beforehand.
type File struct{ Path, SHA256 string }

// Files are those that a target needs of a library, that itself first; those at
// [CUDAInstallPath] need not be there. The error says which is missing; it wraps
// [ErrTargetUnavailable].
func (l Library) Files(t Target) ([]File, error) {
	var files []File
	p := t.provider()
	for _, name := range append([]string{filepath.Base(l.Path)}, p.files...) {
		f := File{Path: filepath.Join(filepath.Dir(l.Path), name)}
		if l.Path == CUDAInstallPath() {
			f.SHA256 = cudaWheel.sum(name)
		}
		if f.SHA256 == "" && name != filepath.Base(l.Path) && !exists(f.Path) {
			return nil, fmt.Errorf("%w: %s has no provider of %s beside it (%s)", ErrTargetUnavailable, l.Path, p.target, name)
		}
		files = append(files, f)
	}
	return files, nil
}

func (t Target) provider() provider {
	p, _ := t.split()
	return p
}

// Kind is the target without the number of the device.
func (t Target) Kind() Target { return t.provider().target }

// Shares says that operators which the target lacks run on the processor; a target
// that does not refuses networks with such.
func (t Target) Shares() bool { return t.provider().shares }

// Async says that the times of single operators on the target are those of handing
// them over, and not what they take.
func (t Target) Async() bool { return t.provider().async }

// Loud says that [Target.Check] may write to standard error, as the library of WebGPU
// does on a machine without a card.
func (t Target) Loud() bool { return t.provider().loud }

// Check reports whether sessions can be made for the target; the error wraps
// ErrTargetUnavailable or ErrNotLoaded.
func (t Target) Check() error {
	if _, ok := Loaded(); !ok {
		return ErrNotLoaded
	}
	return bound.check(t)
}

// Describe is what the device is called: of a card its name, "" where the processor
// is.
func (t Target) Describe() string {
	if k := t.Kind(); k != CUDA && k != TensorRT {
		return ""
	}
	_, n := t.split()
	needs, err := loadCUDA()
	if err != nil || n >= len(needs.Driver.Cards) {
		return ""
	}
	return needs.Driver.Cards[n].Name
}
