//go:build cgo

package onnx

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/binas-tui/binas-tui/internal/ortapi"
	"github.com/binas-tui/binas-tui/kernels"
)

func init() { bound = ortBinding{} }

// ortBinding is the binding itself.
type ortBinding struct{}

func (ortBinding) load(path string) (version string, err error) {
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return "", loadError(path, err)
	}
	ort.DisableTelemetry()
	kernels.Open(path) // what may be in the way is asked for by kernels
	return ort.GetVersion(), nil
}

// loadError turns the binding's message into one of the sentinels.
func loadError(path string, err error) error {
	message := err.Error()
	switch {
	case strings.Contains(message, "Error setting ORT API base: 2"):
		return ErrTooOld
	case strings.Contains(message, "OrtGetApiBase"):
		return fmt.Errorf("%w: it has no function OrtGetApiBase", ErrNotONNXRuntime)
	}
	if _, tail, ok := strings.Cut(message, path+"\": "); ok {
		message = strings.TrimPrefix(tail, path+": ")
	}
	return fmt.Errorf("%w: %s", ErrNotONNXRuntime, strings.TrimSpace(message))
}

func (ortBinding) kernels(path string) error {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return err
	}
	defer options.Destroy()
	if _, err := native(options); err != nil {
		return err
	}
	return kernels.Open(path)
}

// native is the OrtSessionOptions inside the binding's, which does not show it.
func native(o any) (unsafe.Pointer, error) {
	v := reflect.ValueOf(o).Elem()
	if v.NumField() != 1 || v.Field(0).Kind() != reflect.Pointer || !strings.HasSuffix(v.Field(0).Type().Elem().Name(), "OrtSessionOptions") {
		return nil, fmt.Errorf("%w: the binding's %v is another", kernels.ErrUnavailable, v.Type())
	}
	return v.Field(0).UnsafePointer(), nil
}

func (ortBinding) check(t Target) error {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return err
	}
	defer options.Destroy()
	return appendTarget(options, t, 1)
}

// appendTarget adds a target's provider to the options of a session.
func appendTarget(o *ort.SessionOptions, t Target, threads int) error {
	if t == "" || t == CPU {
		return nil
	}
	p, number := t.split()
	var err error
	switch device := map[string]string{"device_id": strconv.Itoa(number)}; p.target {
	case CUDA:
		err = appendCUDA(o, number)
	case TensorRT:
		if err = appendTensorRT(o, device); err == nil {
			err = appendCUDA(o, number) // takes what the other lacks
		}
	case DirectML:
		// DirectML supports neither memory patterns nor parallel execution.
		if err = o.SetMemPattern(false); err == nil {
			err = o.AppendExecutionProvider(p.ort, device)
		}
	case XNNPACK:
		err = o.AppendExecutionProvider(p.ort, map[string]string{"intra_op_num_threads": strconv.Itoa(threads)})
	default:
		err = o.AppendExecutionProvider(p.ort, nil)
	}
	if err == nil && !p.shares {
		err = o.AddSessionConfigEntry("session.disable_cpu_ep_fallback", "1")
	}
	if err != nil && !errors.Is(err, ErrTargetUnavailable) {
		err = fmt.Errorf("%w: %s: %s", ErrTargetUnavailable, t, firstLine(err))
	}
	return err
}

// appendCUDA adds the CUDA provider. Floats are floats: TensorFloat-32, of 10 bits,
// is off. Algorithms of convolutions are chosen by cuDNN's estimate: trying all of them
// takes seconds for a network. The arena takes what is asked for, since many networks
// are open at once.
func appendCUDA(o *ort.SessionOptions, number int) error {
	needs, err := loadCUDA()
	if err == nil {
		err = needs.Check(number)
	}
	if err != nil {
		return err
	}
	options, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer options.Destroy()
	err = options.Update(map[string]string{
		"device_id": strconv.Itoa(number), "use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested",
	})
	if err != nil {
		return err
	}
	return o.AppendExecutionProviderCUDA(options)
}

func appendTensorRT(o *ort.SessionOptions, device map[string]string) error {
	options, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	defer options.Destroy()
	if err := options.Update(device); err != nil {
		return err
	}
	return o.AppendExecutionProviderTensorRT(options)
}

func (ortBinding) newSession(model []byte, inputs, outputs []string, o SessionOptions) (boundSession, error) {
	options, err := buildOptions(o)
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	session, err := ort.NewDynamicAdvancedSessionWithONNXData(model, inputs, outputs, options)
	if err != nil {
		return nil, err
	}
	return ortSession{session}, nil
}

// buildOptions translates the options.
func buildOptions(o SessionOptions) (*ort.SessionOptions, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	threads := max(1, o.Threads)
	spin := "0"
	if o.Spin {
		spin = "1"
	}
	if o.SharedArena {
		err = errors.Join(registerArena(), options.AddSessionConfigEntry("session.use_env_allocators", "1"))
	}
	err = errors.Join(
		err,
		options.SetIntraOpNumThreads(threads),
		options.SetInterOpNumThreads(1),
		options.SetCpuMemArena(!o.NoArena || o.SharedArena),
		options.SetLogSeverityLevel(ort.LoggingLevelFatal),
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", spin),
	)
	if err == nil && o.Kernels != "" && o.Kernels != kernels.Off {
		var inside unsafe.Pointer
		if inside, err = native(options); err == nil {
			err = kernels.Register(o.Kernels, inside)
		}
	}
	if err == nil && o.Profile != "" {
		err = options.EnableProfiling(o.Profile)
	}
	if err == nil {
		err = appendTarget(options, o.Target, threads)
	}
	if err != nil {
		options.Destroy()
		return nil, err
	}
	return options, nil
}

// registerArena makes the arena of the process, once. It grows by what is asked
// for, not in powers of two.
var registerArena = sync.OnceValue(func() error {
	const sameAsRequested = 1
	config, err := ort.NewArenaCfg(0, sameAsRequested, -1, -1)
	if err != nil {
		return fmt.Errorf("shared arena: %w", err)
	}
	defer config.Destroy()
	info, err := ort.GetMemoryInfo()
	if err == nil {
		err = ort.CreateAndRegisterAllocator(info, config)
	}
	if err != nil {
		return fmt.Errorf("shared arena: %w", err)
	}
	return nil
})

type ortSession struct{ *ort.DynamicAdvancedSession }

func (s ortSession) run(ctx context.Context, inputs, outputs []*Tensor) error {
	var options *ort.RunOptions
	if ctx.Done() != nil {
		var err error
		if options, err = ort.NewRunOptions(); err != nil {
			return err
		}
		// The terminator must be done with options before they are freed.
		finished := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			options.Terminate()
			close(finished)
		})
		defer func() {
			if !stop() {
				<-finished
			}
			options.Destroy()
		}()
	}
	return s.RunWithOptions(values(inputs), values(outputs), options)
}

func (ortBinding) newTensor(data []float32, shape []int) (boundTensor, error) {
	dims := make(ort.Shape, len(shape))
	for i, d := range shape {
		dims[i] = int64(d)
	}
	value, err := ort.NewTensor(dims, data)
	if err != nil {
		return nil, err
	}
	return value, nil
}

// deviceValue is a tensor in the memory of a device. Sessions ask it for no more than its
// OrtValue.
type deviceValue struct {
	ort.Value
	inside unsafe.Pointer
}

func (v deviceValue) GetInternals() *ort.ValueInternalData {
	internals := new(ort.ValueInternalData)
	*(*unsafe.Pointer)(unsafe.Pointer(internals)) = v.inside
	return internals
}

func (v deviceValue) Destroy() error {
	ortapi.FreeValue(v.inside)
	return nil
}

func (ortBinding) newDeviceTensor(memory string, device int, at unsafe.Pointer, shape []int) (boundTensor, error) {
	if t := reflect.TypeFor[ort.ValueInternalData](); t.NumField() != 1 || t.Field(0).Type.Kind() != reflect.Pointer || !strings.HasSuffix(t.Field(0).Type.Elem().Name(), "OrtValue") {
		return nil, fmt.Errorf("%w: the binding's %v is another", ErrTargetUnavailable, t)
	}
	value, err := ortapi.NewValue(memory, device, at, shape)
	if err != nil {
		return nil, err
	}
	return deviceValue{inside: value}, nil
}

func values(tensors []*Tensor) []ort.Value {
	out := make([]ort.Value, len(tensors))
	for i, t := range tensors {
		out[i] = t.value.(ort.Value)
	}
	return out
}
