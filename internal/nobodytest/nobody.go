// Package nobodytest is for tests of what users may not read or write.
package nobodytest
