package tui

import "reflect"

func sameType(a, b any) bool { return reflect.TypeOf(a) == reflect.TypeOf(b) }

func stringOf(v any) string { return reflect.ValueOf(v).String() }
