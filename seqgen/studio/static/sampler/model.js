/** A model that is ready to sample: {form, network, codec}. What runs it is given from outside, see network.js. */

import { Network } from "./network.js";
import { Sample, primerOf } from "./sampler.js";
import { bytesOf } from "./weights.js";

/**
 * `bytes`: a Uint8Array of weights and counts, or their base64; `parts`: {Cell, Memory, Codec, Mixed where the model has
 * counts}; `plain`: without WebAssembly.
 */
export function modelOf(form, bytes, parts, plain = false) {
  const data = typeof bytes === "string" ? bytesOf(bytes) : bytes;
  const network = new Network(form, data, parts, plain);
  const mixed = form.experts ? new parts.Mixed(network, form, data) : network;
  return { form, network: mixed, codec: new parts.Codec(form) };
}

export { Sample, primerOf };
