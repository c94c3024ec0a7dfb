/** A model that is ready to sample: {form, network, codec}. What runs it is given from outside, see network.js. */

import { Network } from "./network.js";
import { Sample } from "./sampler.js";
import { bytesOf } from "./weights.js";

/** `bytes`: a Uint8Array of the weights, or their base64; `plain`: without WebAssembly. */
export function modelOf(form, bytes, parts, plain = false) {
  const data = typeof bytes === "string" ? bytesOf(bytes) : bytes;
  return { form, network: new Network(form, data, parts, plain), codec: new parts.Codec(form) };
}

export { Sample };
