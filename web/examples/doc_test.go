// Package examples holds the examples of the README as files in testdata, a folder for each task, and runs them against
// the real server. Nothing imports it.
package examples
