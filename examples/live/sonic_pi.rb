# Sonic Pi: plays what `seqgen jam MODEL --osc-to sonic-pi` plays.
use_real_time

live_loop :seqgen do
  pitch, velocity, seconds, channel = sync "/osc*/seqgen/note"
  with_synth (channel == 10 ? :cnoise : :piano) do
    play pitch, amp: velocity / 127.0, release: [seconds, 0.1].max
  end
end
