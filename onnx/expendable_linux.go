package onnx

import "os"

// expendable makes the system end this process first where memory is short.
func expendable() { os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) }
