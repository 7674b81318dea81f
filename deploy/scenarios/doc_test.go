// Package scenarios_test runs the real gorun binary: as the first process of
// a PID namespace, as a subreaper and in containers. It holds a test for every
// case of a first process's duties, numbered as in the project's list.
package scenarios_test
