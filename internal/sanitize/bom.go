package sanitize

import "bytes"

// TrimBOM takes off the byte order mark that some editors put in front of UTF-8.
func TrimBOM(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\ufeff")) }
