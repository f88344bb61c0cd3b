// Package client is a small typed client of the HTTP API, for the command line
// and for tests.
//
// A *Client speaks to the buyers' listener, a *Seller to the private one.
// Whatever the server answers with a problem comes back as a *contract.Problem:
// errors.Is finds the error of the contract's table or the sequencer's for its
// code (sequencer.ErrOverloaded, contract.ErrUnknownOrder, …), errors.As a
// *sequencer.NotLeaderError. Nothing is ever sent again blindly: only a
// no-leader problem, which says that the request was not taken, is followed to
// the leader that it names.
//
// # Trade-offs
//
//   - Who calls decides on retries, because only he knows whether a buyer still waits. A
//     retry is safe with the key of the first try (Purchase.Key), which he has to keep.
//   - An answer is read whole before it is decoded, so a list of all sales takes as much
//     memory as it has bytes. Only snapshots are streamed.
//   - It imports the sequencer for its errors' identity, so it is for Go programs in this
//     module; others have the OpenAPI document.
package client
