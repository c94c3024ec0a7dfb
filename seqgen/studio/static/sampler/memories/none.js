/** No memory beside the cell: everything passes as it is. */

export class Memory {
  reset() {}
}

Memory.side = "none";
