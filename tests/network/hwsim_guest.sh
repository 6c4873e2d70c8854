# What happens in the emulated machine of hwsim_test.py: run by its busybox, MODULE is the PKCS#11 module's path. The radios are wlan0
# and wlan2 for access points, wlan1 of the camera. "GUEST:" lines go to the console; what the camera has on its disk at the end, to ttyS1.
ROOT=/srv/camera
ip link set lo up; mkdir -p /run/camvault
echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore  # an address is asked for at its own access point
ip addr add 10.9.0.1/32 dev wlan0; ip addr add 10.9.0.2/32 dev wlan2
/usr/sbin/keystored --root $ROOT --user 64242 > /run/keystored.log 2>&1 &
for i in $(seq 100); do [ -S $ROOT/run/camvault/keystored.sock ] && break; sleep 0.2; done

now() { cut -d' ' -f1 /proc/uptime; }

serve() {  # access point: its process id is in AP
  /usr/sbin/hostapd -t /ap/$1.conf > $ROOT/hostapd-$1.log 2>&1 & AP=$!
}

camera() {  # of the case, what the camera is told: its process id is in RUN
  cp /ap/network-$2.toml $ROOT/etc/camvault/network.toml
  CAMVAULT_KEYSTORE_ROOT=$ROOT /usr/bin/camvault network run --wifi --interface wlan1 --json --root $ROOT --log $ROOT/wpa-$1.log \
    --wpa-supplicant /sbin/wpa_supplicant --pkcs11-module $MODULE > $ROOT/states-$1 2> /run/network-$1.log & RUN=$!
}

# Until `camvault network status` says it: of the case, phase, how often it is asked. The answer, and what the kernel and wpa_supplicant
# say at that time, stay on the disk.
reached() {
  for i in $(seq $3); do
    /usr/bin/camvault network status --interface wlan1 --json --root $ROOT > /run/status 2>&1
    code=$?
    if grep -q '"phase": "'$2'"' /run/status; then
      cp /run/status $ROOT/status-$1-$2
      # EAP ends a moment before the keys are there that open the port.
      [ $code != 0 ] || for j in $(seq 50); do grep -q up /sys/class/net/wlan1/operstate && break; sleep 0.2; done
      { echo "exit $code"; echo "wlan1 $(cat /sys/class/net/wlan1/operstate)"; } > $ROOT/port-$1-$2
      echo "GUEST: $1 $2 after $(now) s"
      return 0
    fi
    kill -0 $RUN || break
    sleep 1
  done
  echo "GUEST: $1 never $2"
  return 1
}

# Of the case, an address, how many seconds: asks over the camera's radio who has it. Frames of any network, encrypted or not, would do.
ask() { arping -D -I wlan1 -c $3 -w $3 $2 >> $ROOT/asked-$1 2>&1; }

end() {  # of the case
  kill $RUN; wait $RUN
  cat $ROOT/states-$1 /run/network-$1.log; tail -n 15 $ROOT/wpa-$1.log $ROOT/hostapd-$1.log
}

# The access point sends the camera away and remembers it: it comes back without EAP (PMKSA caching).
back() {  # case, the phase in which it is a member
  hostapd_cli -p /run/hostapd -i wlan0 deauthenticate $(cat /sys/class/net/wlan1/address)
  for i in $(seq 100); do [ "$(grep -c CTRL-EVENT-CONNECTED $ROOT/wpa-$1.log)" -lt 2 ] || break; sleep 0.5; done
  reached $1-back $2 20
}

join() {  # access point and case, what the camera is told, the phase in which it is a member, whether it is sent away as well
  serve $1
  camera $1 $2
  reached $1 $3 200
  ask $1-inside 10.9.0.1 10
  [ -z "$4" ] || back $1 $3
  end $1
  kill $AP; wait $AP
}

# The rogue is the only access point, and stays when the genuine one comes: both names are the same, and the rogue offers more (802.11n).
outdo() {  # rogue and case, the genuine one, what the camera is told, what it says of the rogue, the phase in which it is a member
  serve $1
  ROGUE=$AP
  camera $1 $3
  while :; do ask $1-rogue 10.9.0.1 1; done & ASKING=$!
  reached $1 $4 200
  sleep 5  # and again
  kill $ASKING; wait $ASKING
  grep -c CTRL-EVENT-CONNECTED $ROOT/wpa-$1.log > $ROOT/joined-$1-rogue
  serve $2
  reached $1 $5 100
  ask $1-inside 10.9.0.2 10
  kill -0 $ROGUE && echo "GUEST: $1 is still there"
  end $1
  tail -n 15 $ROOT/hostapd-$2.log
  kill $ROGUE $AP; wait $ROGUE $AP
}

echo "GUEST: up after $(now) s"
join psk psk connected
join eap eap provisioning back
outdo rogue-eap genuine-eap eap server-refused provisioning
outdo rogue-psk genuine-psk psk refused connected
stty -F /dev/ttyS1 raw  # a line feed is a line feed there
tar c -C /srv camera > /dev/ttyS1
echo "GUEST: done after $(now) s"
