// Package pagetest holds pages to what every page of ours promises.
package pagetest
